#include "kernel/process/confine.h"

#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace proa::process {

Result<void> die_with_parent() {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return fail_errno("asking to die with the parent");
  return {};
}

Result<void> forbid_new_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("no_new_privs");
  return {};
}

Result<void> become(uid_t uid, gid_t gid) {
  if (::setgroups(0, nullptr) != 0) return fail_errno("leaving all groups");
  if (::setresgid(gid, gid, gid) != 0) return fail_errno("becoming group ", gid);
  if (::setresuid(uid, uid, uid) != 0) return fail_errno("becoming user ", uid);
  return {};
}

Result<void> drop_capabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none = {};
  if (::syscall(SYS_capset, &header, none.data()) != 0) return fail_errno("dropping capabilities");
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return fail_errno("dropping ambient capabilities");
  }
  return {};
}

Result<void> forbid_dumping() {
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return fail_errno("forbidding dumps");
  return {};
}

Result<void> lower_limit(int resource, std::uint64_t value) {
  const auto kind = static_cast<__rlimit_resource_t>(resource);
  rlimit limit = {};
  if (::getrlimit(kind, &limit) != 0) return fail_errno("reading a limit");
  limit.rlim_max = std::min<rlim_t>(limit.rlim_max, value);
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(kind, &limit) != 0) return fail_errno("lowering a limit");
  return {};
}

Result<void> change_directory(const std::string& path) {
  if (::chdir(path.c_str()) != 0) return fail_errno("going to '", path, "'");
  return {};
}

void ignore_broken_pipes() { ::signal(SIGPIPE, SIG_IGN); }

}  // namespace proa::process
