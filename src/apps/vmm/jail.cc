#include "apps/vmm/jail.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace proa::apps::vmm {
namespace {

// Puts an empty read-only file system in the root's place.
Result<void> empty_root() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail_errno("making mounts private");
  }
  constexpr unsigned long kFlags = MS_NODEV | MS_NOEXEC | MS_NOSUID | MS_RDONLY;
  if (::mount("none", "/tmp", "tmpfs", kFlags, "size=4k,nr_inodes=1,mode=0555") != 0) {
    return fail_errno("mounting an empty root");
  }
  if (::chdir("/tmp") != 0) return fail_errno("entering the empty root");
  // The old root ends up on top of the new one, from where it is taken away.
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return fail_errno("changing the root");
  if (::umount2(".", MNT_DETACH) != 0) return fail_errno("letting go of the host's files");
  if (::chdir("/") != 0) return fail_errno("entering the empty root");
  return {};
}

Result<void> drop_privileges(const Identity& identity) {
  if (::setgroups(0, nullptr) != 0) return fail_errno("dropping groups");
  if (::setresgid(identity.group, identity.group, identity.group) != 0) {
    return fail_errno("becoming group ", identity.group);
  }
  if (::setresuid(identity.user, identity.user, identity.user) != 0) {
    return fail_errno("becoming user ", identity.user);
  }
  return {};
}

// A user namespace gives all capabilities in it; they go again before the guest runs.
Result<void> drop_capabilities() {
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const std::array<__user_cap_data_struct, 2> none = {};
  if (::syscall(SYS_capset, &header, none.data()) != 0) return fail_errno("dropping capabilities");
  return {};
}

}  // namespace

Result<void> leave_host(const Identity& identity) {
  const bool privileged = ::geteuid() == 0;
  const int spaces = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |
                     (privileged ? 0 : CLONE_NEWUSER);
  if (::unshare(spaces) != 0) return fail_errno("making namespaces");
  TRY(empty_root());
  if (privileged) TRY(drop_privileges(identity));
  TRY(drop_capabilities());
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("setting no_new_privs");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail_errno("hiding from ptrace");
  return {};
}

}  // namespace proa::apps::vmm
