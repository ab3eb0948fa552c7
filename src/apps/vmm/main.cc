// proa-vmm: the virtual machine monitor. Wiring only: options, jail, serial port, main loop.
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "apps/vmm/filter.h"
#include "apps/vmm/jail.h"
#include "apps/vmm/options.h"
#include "apps/vmm/server.h"
#include "base/json.h"
#include "base/json_fields.h"
#include "kernel/event/event_fd.h"
#include "kernel/file/file.h"
#include "vmm/control/monitor.h"

namespace proa::apps::vmm {
namespace {

using proa::vmm::StopKind;
using proa::vmm::StopReason;
using proa::vmm::ThreadKind;

// Prints what the guest says. A reader that has stopped reading for a second loses output until it
// reads again: the guest must not hang on it, nor must a pause. The serial port calls under its
// lock.
void print_serial(std::string_view bytes) {
  constexpr int kPatienceMilliseconds = 1000;
  static bool reader_is_stuck = false;
  pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  reader_is_stuck = ::poll(&output, 1, reader_is_stuck ? 0 : kPatienceMilliseconds) != 1;
  if (reader_is_stuck) return;
  [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
}

// One line of JSON: a virtio device stopped. The guest's driver sees it, and may reset the device.
void report_fault(std::string_view device, const Error& error) {
  // A guest can break and reset its devices for ever: the log must not grow with it.
  constexpr int kMaxReports = 64;
  static std::atomic<int> reports = 0;
  if (++reports > kMaxReports) return;
  json::Value line;
  line.set("device", device);
  line.set("fault", error.message());
  const std::string text = json::print(line) + "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

proa::vmm::control::MonitorHost make_host(const Options& options,
                                          const event::EventFd& lacks_room) {
  proa::vmm::control::MonitorHost host;
  host.machine.serial_sink = print_serial;
  const Jail jail = options.jail;
  host.machine.enter_thread = [jail](ThreadKind kind) -> Result<void> {
    if (jail == Jail::nothing) return {};
    return filter_calls(kind);
  };
  host.machine.devices.on_fault = report_fault;
  host.machine.devices.on_lack_of_room = [&lacks_room] { lacks_room.signal(); };
  host.leave_host = [jail, identity = options.identity]() -> Result<void> {
    if (jail == Jail::own) return leave_host(identity);
    return {};
  };
  host.enter_filter = [jail]() -> Result<void> {
    if (jail == Jail::nothing) return {};
    return filter_calls(std::nullopt);
  };
  return host;
}

Result<void> prepare(const Options& options, proa::vmm::control::Monitor& monitor) {
  if (!options.config.empty()) {
    proa::vmm::NamedFiles files;
    const Fd config = TRY(files.open(options.config, O_RDONLY));
    const std::string text = TRY(file::read_all(config), options.config);
    const json::Value document = TRY(json::parse(text, options.config));
    proa::vmm::MachineSpec spec;
    TRY(json::from_json(json::Reader(document, options.config), spec));
    TRY(monitor.configure(spec));
  }
  if (!options.restore_state.empty()) {
    const Fd state = TRY(file::open(options.restore_state, O_RDONLY));
    const Fd memory = TRY(file::open(options.restore_memory, O_RDONLY));
    return monitor.restore(state, memory);
  }
  return options.config.empty() ? Result<void>() : monitor.start();
}

// One line of JSON: how the guest ended, and what it cost.
void report(const StopReason& reason, const proa::vmm::MachineStats& stats) {
  json::Value exits;
  exits.set("port_in", stats.exits.port_in);
  exits.set("port_out", stats.exits.port_out);
  exits.set("mmio_read", stats.exits.mmio_read);
  exits.set("mmio_write", stats.exits.mmio_write);
  exits.set("end_of_interrupt", stats.exits.end_of_interrupt);
  exits.set("interrupted", stats.exits.interrupted);
  json::Value line;
  line.set("end", name(reason.kind));
  if (!reason.text.empty()) line.set("text", reason.text);
  line.set("exits", std::move(exits));
  const std::string text = json::print(line) + "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

// Small stacks, and one heap that grows page by page: in a thread's arena or a large stack the
// kernel would put huge pages.
void keep_memory_small() {
  constexpr std::size_t kStack = std::size_t{256} << 10;
  ::mallopt(M_ARENA_MAX, 1);
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return;
  ::pthread_attr_setstacksize(&attributes, kStack);
  ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
}

int exit_code(StopKind kind) {
  switch (kind) {
    case StopKind::poweroff:
    case StopKind::reboot:
    case StopKind::killed:
      return 0;
    case StopKind::panic:
      return 3;
    case StopKind::triple_fault:
      return 4;
    case StopKind::guest_fault:
      return 5;
    case StopKind::failed:
      return 1;
  }
  return 1;
}

Result<int> run(std::span<char* const> arguments) {
  keep_memory_small();
  const Options options = TRY(parse_options(arguments));
  if (options.show_system_calls) {
    const std::string text = print_allowed_calls();
    TRY(file::write_all(FdRef(STDOUT_FILENO), bytes_of(std::string_view(text))));
    return 0;
  }
  const event::EventFd lacks_room = TRY(event::EventFd::create());
  proa::vmm::control::Monitor monitor(make_host(options, lacks_room));
  const std::unique_ptr<Server> server = TRY(Server::create(monitor, lacks_room));
  if (!options.control.empty()) TRY(server->listen(options.control), "control socket");
  TRY(prepare(options, monitor));
  const StopReason reason = TRY(server->run());
  report(reason, monitor.machine()->stats());
  // The kernel takes everything back at once; taking it apart first would only be slower.
  ::_exit(exit_code(reason.kind));
}

}  // namespace
}  // namespace proa::apps::vmm

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  const std::span<char* const> arguments(argv + 1, static_cast<std::size_t>(argc - 1));
  const proa::Result<int> ended = proa::apps::vmm::run(arguments);
  if (ended.ok()) return ended.value();
  const std::string line = "proa-vmm: " + ended.error().message() + "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  return ended.error().kind() == proa::ErrorKind::invalid_argument ? 2 : 1;
}
