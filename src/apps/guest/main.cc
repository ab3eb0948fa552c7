// proa-guest: first process of a guest of the heavy hull. It mounts what the machine was born with,
// runs the workload by the light hull, and speaks with the shim over the machine's port until the
// shim wants no more; then it switches the machine off.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "apps/guest/agent.h"
#include "apps/guest/boot.h"
#include "apps/guest/guest_root.h"
#include "io/loop.h"
#include "kernel/file/file.h"
#include "kernel/system/system.h"

namespace {

using namespace proa;

// A workload as frames in the initramfs, served before what comes over the port: a machine that
// was started by hand runs it without anybody to ask for it.
constexpr const char* kRecorded = "/workload";

// What goes wrong before there is a port can be told only here.
void log_to_kernel(const Error& error) {
  const auto log = file::open("/dev/kmsg", O_WRONLY);
  if (!log.ok()) return;
  discard(file::write_all(log.value(), bytes_of(cat("proa-guest: ", error.message(), "\n"))),
          "there is no other place to tell it");
}

Result<void> run() {
  TRY(guest::prepare_system());
  TRY(guest::load_modules("boot"));
  Fd port = TRY(guest::open_agent_port());
  const auto loop = TRY(io::Loop::create());
  guest::Agent agent(*loop);
  TRY(agent.serve(std::move(port)));
  if (file::exists(kRecorded)) {
    const std::string frames = TRY(file::read_file(kRecorded));
    TRY(agent.serve_recorded(frames));
  }
  return loop->run();
}

}  // namespace

int main() {
  ::signal(SIGPIPE, SIG_IGN);
  if (::getpid() != 1) return 2;
  const Result<void> done = run();
  if (!done.ok()) log_to_kernel(done.error());
  guest::settle_disk();
  system::power_off();
}
