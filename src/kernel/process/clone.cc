#include "kernel/process/clone.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

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

}  // namespace proa::process
