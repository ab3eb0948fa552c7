#include "kernel/process/clone.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace proa::process {

Result<Cloned> clone(const CloneOptions& options) {
  int pidfd = -1;
  clone_args arguments = {};
  arguments.flags = __u64{options.flags} | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<__u64>(&pidfd);
  // With CLONE_PARENT the child takes the caller's own signal.
  arguments.exit_signal = (options.flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD;
  if (options.cgroup) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<__u64>(options.cgroup->get());
  }
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) return fail_errno("making a process in new namespaces");
  if (pid == 0) return Cloned{};
  return Cloned{static_cast<pid_t>(pid), Fd(pidfd)};
}

Result<void> close_all_but(std::vector<int> kept) {
  std::ranges::sort(kept);
  int first = STDERR_FILENO + 1;
  const auto close_to = [&first](unsigned last) {
    return ::syscall(SYS_close_range, static_cast<unsigned>(first), last, 0) == 0;
  };
  for (const int fd : kept) {
    if (fd < first) continue;
    if (fd > first && !close_to(static_cast<unsigned>(fd) - 1)) {
      return fail_errno("closing descriptors");
    }
    first = fd + 1;
  }
  if (!close_to(~0U)) return fail_errno("closing descriptors");
  return {};
}

}  // namespace proa::process
