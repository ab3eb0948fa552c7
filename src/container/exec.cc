#include "container/exec.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "base/number.h"
#include "container/init/birth.h"
#include "container/init/confine.h"
#include "container/init/init.h"
#include "container/init/launcher.h"
#include "container/init/sync.h"
#include "container/seccomp/cache.h"
#include "kernel/file/file.h"
#include "kernel/namespace/namespace.h"
#include "kernel/process/child.h"
#include "kernel/process/clone.h"
#include "kernel/process/credentials.h"
#include "kernel/process/terminal.h"
#include "kernel/socket/unix_stream.h"

namespace proa::container {
namespace {

constexpr std::array<std::uint64_t, 7> kKinds = {CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWPID,
                                                 CLONE_NEWNET,   CLONE_NEWIPC, CLONE_NEWUTS,
                                                 CLONE_NEWCGROUP};

bool same_file(const std::string& left, const std::string& right) {
  struct stat first = {};
  struct stat second = {};
  return ::stat(left.c_str(), &first) == 0 && ::stat(right.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// The kinds of namespaces in which the container is elsewhere than we are.
std::uint64_t foreign_namespaces(pid_t pid) {
  std::uint64_t flags = 0;
  for (const std::uint64_t kind : kKinds) {
    const std::string name = ns::file_name(kind);
    if (!same_file(cat("/proc/", pid, "/ns/", name), cat("/proc/self/ns/", name))) flags |= kind;
  }
  return flags;
}

// The steps of the joining process, after its birth in the container's namespaces.
class Joiner {
 public:
  Joiner(const ExecOptions& options, const std::optional<Filter>& filter, FdRef sync)
      : options_(options), process_(options.process), filter_(filter), sync_(sync) {}

  Result<void> run() {
    std::vector<std::string> warnings;
    TRY(expect_sync(sync_, Sync::proceed, warnings));
    TRY(process::become_session_leader());
    if (process_.terminal) {
      TRY(open_terminal());
    } else {
      TRY(use_streams(
          {options_.standard_input, options_.standard_output, options_.standard_error}));
    }
    TRY(apply_scheduling(process_));
    TRY(give_streams(process_.user.uid));
    TRY(apply_limits(process_, warnings));
    TRY(enter_working_directory(process_.cwd));
    const Program program = TRY(find_program(process_));
    for (const std::string& warning : warnings) TRY(send_sync(sync_, Sync::warning, warning));
    TRY(process::close_on_exec_from(3 + options_.preserved));
    TRY(give_up_rights(process_, filter_ ? &*filter_ : nullptr));
    return execute(program.path, process_.args, program.environment);
  }

 private:
  // The container's /dev/pts is its own to arrange: open_terminal() takes nothing but a devpts.
  Result<void> open_terminal() {
    if (!options_.console_socket) {
      return fail(ErrorKind::invalid_argument,
                  "process.terminal: needs a console socket to send the terminal to");
    }
    const Fd devpts = TRY(file::open("/dev/pts", O_RDONLY | O_DIRECTORY));
    process::Terminal terminal = TRY(process::open_terminal(devpts), "terminal");
    if (process_.console_size) {
      TRY(process::set_window_size(terminal.master,
                                   {process_.console_size->height, process_.console_size->width}));
    }
    TRY(send_terminal(*options_.console_socket, terminal.master));
    TRY(process::take_terminal(terminal.slave));
    return process::use_as_standard(terminal.slave);
  }

  const ExecOptions& options_;
  const oci::runtime::Process& process_;
  const std::optional<Filter>& filter_;
  FdRef sync_;
};

// Enters the container's namespaces and gives birth to the joining process in them.
[[noreturn]] void run_in_between(const ExecOptions& options, const std::optional<Filter>& filter,
                                 const std::vector<Fd>& cgroup_entrances, FdRef sync) {
  const Result<void> done = [&]() -> Result<void> {
    TRY(begin_birth());
    for (const Fd& entrance : cgroup_entrances) {
      TRY(file::write_all(entrance, bytes_of("0")), "entering a cgroup");
    }
    const std::uint64_t flags = foreign_namespaces(options.init);
    TRY(process::set_dumpable(process::Dumpable::no));
    if (flags != 0) TRY(ns::join_all(options.init_pidfd, flags));
    if ((flags & CLONE_NEWUSER) != 0) {
      TRY(process::set_gid(0));
      TRY(process::set_uid(0));
      TRY(process::set_dumpable(process::Dumpable::no));
    }
    const process::Cloned cloned = TRY(process::clone({.flags = CLONE_PARENT, .cgroup = {}}));
    if (cloned.pid != 0) return announce_birth(sync, cloned.pid);
    Result<void> joined = Joiner(options, filter, sync).run();
    const Error error = name_limit(options.process, std::move(joined).error());
    discard(send_failure(sync, error), "nobody is left to tell");
    ::_exit(1);
  }();
  if (!done.ok()) discard(send_failure(sync, done.error()), "nobody is left to tell");
  ::_exit(done.ok() ? 0 : 1);
}

}  // namespace

Result<Executed> exec(const ExecOptions& options) {
  const limits::CgroupSet cgroups = TRY(limits::CgroupSet::open(options.cgroups));
  std::optional<Filter> filter;
  if (options.filter) {
    filter = TRY(options.filter_cache.empty()
                     ? seccomp::compile(*options.filter)
                     : seccomp::compile_cached(*options.filter, options.filter_cache));
  }
  socket::Pair pair = TRY(socket::stream_pair(socket::Blocking::yes));
  const std::vector<Fd> entrances = TRY(cgroups.entrances());
  process::Cloned between = TRY(process::clone({.flags = 0, .cgroup = cgroups.unified()}));
  if (between.pid == 0) {
    pair.first.reset();
    run_in_between(options, filter, entrances, pair.second);
  }
  process::Child child(between.pid, std::move(between.pidfd));
  pair.second.reset();
  Executed executed;
  process::Child joiner = TRY(await_birth(std::move(child), pair.first, executed.warnings));
  const pid_t pid = joiner.pid();
  if (options.process.oom_score_adj) {
    const Result<void> written = file::write_existing(cat("/proc/", pid, "/oom_score_adj"),
                                                      cat(*options.process.oom_score_adj));
    if (!written.ok()) executed.warnings.push_back(written.error().message());
  }
  TRY(send_sync(pair.first, Sync::proceed));
  TRY(wait_for_program(pair.first, executed.warnings));
  executed.pid = pid;
  executed.pidfd = joiner.detach();
  return executed;
}

}  // namespace proa::container
