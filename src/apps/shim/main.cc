// proa-shim: carries one workload (engine/shim). Started by proad as
//   proa-shim WORKLOAD_DIRECTORY RUN_DIRECTORY
// with descriptor 3 a session with proad and 4 the workload's lock, held for as long as this
// process lives. It outlives proad; a new one finds it by shim.sock in its run directory.
#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "base/json_fields.h"
#include "engine/shim/sessions.h"
#include "engine/shim/supervisor.h"
#include "hull/heavy/heavy_hull.h"
#include "hull/light/light_hull.h"
#include "hull/refused/refused_hull.h"
#include "io/loop.h"
#include "kernel/file/file.h"
#include "kernel/socket/unix_stream.h"

namespace {

using namespace proa;

constexpr int kSessionNumber = 3;
constexpr int kLockNumber = 4;

Result<wire::Spec> read_spec(FdRef directory) {
  const std::string text = TRY(file::read_file_at(directory, "spec.json"));
  const json::Value document = TRY(json::parse(text, "spec.json"));
  wire::Spec spec;
  TRY(json::from_json(json::Reader(document, "spec.json"), spec));
  return spec;
}

Result<std::unique_ptr<hull::Hull>> make_hull(io::Loop& loop, const wire::Spec& spec,
                                              hull::Observer& observer, const char* run) {
  switch (spec.hull) {
    case wire::HullKind::container:
      return hull::make_light_hull(loop, spec, observer);
    case wire::HullKind::vm:
      return hull::make_heavy_hull(loop, spec, observer, run);
  }
  return fail(ErrorKind::invalid_argument, "spec.json: no such hull");
}

Result<void> serve(const char* workload, const char* run) {
  Fd session(kSessionNumber);
  const Fd lock(kLockNumber);
  // Neither may leak into the workload: they came through an exec and so lost the flag.
  for (const int number : {kSessionNumber, kLockNumber}) {
    if (::fcntl(number, F_SETFD, FD_CLOEXEC) != 0) return fail_errno("keeping descriptors");
  }
  const Fd directory = TRY(file::open(workload, O_RDONLY | O_DIRECTORY));
  const Fd run_directory = TRY(file::open(run, O_RDONLY | O_DIRECTORY));
  const wire::Spec spec = TRY(read_spec(directory));
  const auto loop = TRY(io::Loop::create());
  engine::JournalWriter journal = TRY(engine::JournalWriter::open(directory));

  engine::Sessions sessions(*loop);
  engine::Supervisor supervisor(*loop, spec, std::move(journal),
                                engine::LogWriter(directory, spec.log),
                                {[&](const wire::Record& record) { sessions.tell_record(record); },
                                 [&](const std::string& exec, const wire::Ending& ending) {
                                   sessions.tell_exec_end(exec, ending);
                                 },
                                 [&] { loop->stop(); }});
  Result<std::unique_ptr<hull::Hull>> made = make_hull(*loop, spec, supervisor.observer(), run);
  // What cannot be made is answered with its reason: proad waits for a word, not for a shim's end.
  const std::unique_ptr<hull::Hull> hull =
      made.ok() ? made.take() : hull::make_refused_hull(std::move(made).error());
  supervisor.set_hull(*hull);
  sessions.set_supervisor(supervisor);
  Fd listener = TRY(socket::listen_at(run_directory, "shim.sock", 0600));
  TRY(sessions.listen(std::move(listener)));
  TRY(sessions.add(std::move(session)));
  // What parsing took goes back: a shim's own memory is counted in pages.
  ::malloc_trim(0);
  TRY(loop->run());
  discard(file::unlink_at(run_directory, "shim.sock"), "the lock tells that nobody listens");
  return {};
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fputs("usage: proa-shim WORKLOAD_DIRECTORY RUN_DIRECTORY (started by proad)\n", stderr);
    return 2;
  }
  const Result<void> protection = hull::protect_own_program();
  if (!protection.ok()) {
    std::fputs(cat("proa-shim: ", protection.error().message(), "\n").c_str(), stderr);
    return 1;
  }
  // What the kernel took for a name is the number of a descriptor.
  ::prctl(PR_SET_NAME, "proa-shim");
  // A session of its own: a terminal's Ctrl-C at proad is not the workload's.
  ::setsid();
  // Not ignored: that would be handed on to the workload, a handler is not.
  ::signal(SIGPIPE, [](int) {});
  ::umask(0);
  // One arena, given back early: the shim's heap stays in the tens of kilobytes.
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 10);
  const Result<void> served = serve(arguments[1], arguments[2]);
  if (served.ok()) return 0;
  const std::string message = cat("proa-shim: ", served.error().message(), "\n");
  std::fputs(message.c_str(), stderr);
  return 1;
}
