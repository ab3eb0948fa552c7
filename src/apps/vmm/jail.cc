#include "apps/vmm/jail.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace proa::apps::vmm {
namespace {

constexpr std::array kMainCalls = {
    AllowedCall{SYS_read, "events, serial input"},
    AllowedCall{SYS_write, "events, the report of the end"},
    AllowedCall{SYS_close, "connections and files that came with a request"},
    AllowedCall{SYS_epoll_wait, "waiting for all of these"},
    AllowedCall{SYS_epoll_ctl, "a new or closed connection"},
    AllowedCall{SYS_accept4, "a controller connects"},
    AllowedCall{SYS_recvmsg, "requests and their descriptors"},
    AllowedCall{SYS_sendmsg, "answers"},
    AllowedCall{SYS_fcntl, "a connection is non-blocking"},
    AllowedCall{SYS_ioctl, "saving the vCPUs' state"},
    AllowedCall{SYS_futex, "waiting for vCPUs to pause"},
    AllowedCall{SYS_tgkill, "kicking a vCPU out of the guest"},
    AllowedCall{SYS_getpid, "the same: tgkill names the process"},
    AllowedCall{SYS_gettid, "the same"},
    AllowedCall{SYS_rt_sigprocmask, "the same: glibc blocks signals around it"},
    AllowedCall{SYS_rt_sigreturn, "a signal that came while waiting"},
    AllowedCall{SYS_mincore, "which guest pages were touched"},
    AllowedCall{SYS_pwrite64, "the snapshot's files"},
    AllowedCall{SYS_ftruncate, "the same"},
    AllowedCall{SYS_mmap, "memory"},
    AllowedCall{SYS_munmap, "memory"},
    AllowedCall{SYS_mprotect, "memory: glibc's arenas grow so"},
    AllowedCall{SYS_madvise, "memory: a thread's stack is given back at its end"},
    AllowedCall{SYS_brk, "memory"},
    AllowedCall{SYS_exit_group, "the end"},
};

constexpr std::array kVcpuCalls = {
    AllowedCall{SYS_ioctl, "KVM_RUN, interrupts"},
    AllowedCall{SYS_write, "serial output, events"},
    AllowedCall{SYS_poll, "whether the serial port's reader has room"},
    AllowedCall{SYS_futex, "pausing, and locks of devices"},
    AllowedCall{SYS_tgkill, "the guest ends: the other vCPUs are kicked"},
    AllowedCall{SYS_getpid, "the same: tgkill names the process"},
    AllowedCall{SYS_gettid, "the same"},
    AllowedCall{SYS_rt_sigprocmask, "the same: glibc blocks signals around it"},
    AllowedCall{SYS_rt_sigreturn, "being kicked"},
    AllowedCall{SYS_mmap, "memory"},
    AllowedCall{SYS_munmap, "memory"},
    AllowedCall{SYS_mprotect, "memory: glibc's arenas grow so"},
    AllowedCall{SYS_madvise, "the thread's stack at its end"},
    AllowedCall{SYS_brk, "memory"},
    AllowedCall{SYS_exit, "the thread's end"},
    AllowedCall{SYS_exit_group, "one of our own invariants does not hold"},
};

constexpr sock_filter statement(std::uint16_t code, std::uint32_t operand) {
  return {code, 0, 0, operand};
}

// Skips the next `if_not` instructions unless the loaded number is `operand`.
constexpr sock_filter equal_or_skip(std::uint32_t operand, std::uint8_t if_not) {
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, if_not, operand};
}

std::vector<sock_filter> program(std::span<const AllowedCall> calls) {
  constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
  constexpr std::uint16_t kReturn = BPF_RET | BPF_K;
  std::vector<sock_filter> code = {
      statement(kLoad, offsetof(seccomp_data, arch)),
      equal_or_skip(AUDIT_ARCH_X86_64, 1),
      statement(BPF_JMP | BPF_JA, 1),
      statement(kReturn, SECCOMP_RET_KILL_PROCESS),
      statement(kLoad, offsetof(seccomp_data, nr)),
  };
  for (const AllowedCall& call : calls) {
    if (call.number == SYS_ioctl) {
      // Only KVM's own requests: no terminal, no network device, no file system.
      constexpr std::uint32_t kTypeMask = 0xff00;
      code.push_back(equal_or_skip(SYS_ioctl, 5));
      code.push_back(statement(kLoad, offsetof(seccomp_data, args[1])));
      code.push_back(statement(BPF_ALU | BPF_AND | BPF_K, kTypeMask));
      code.push_back(equal_or_skip(KVMIO << 8, 1));
      code.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
      code.push_back(statement(kReturn, SECCOMP_RET_KILL_PROCESS));
      continue;
    }
    code.push_back(equal_or_skip(static_cast<std::uint32_t>(call.number), 1));
    code.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
  }
  code.push_back(statement(kReturn, SECCOMP_RET_KILL_PROCESS));
  return code;
}

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

std::span<const AllowedCall> main_thread_calls() { return kMainCalls; }
std::span<const AllowedCall> vcpu_thread_calls() { return kVcpuCalls; }

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

Result<void> filter_calls(std::span<const AllowedCall> calls) {
  std::vector<sock_filter> code = program(calls);
  const sock_fprog filter{static_cast<unsigned short>(code.size()), code.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("setting no_new_privs");
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) {
    return fail_errno("loading the filter");
  }
  return {};
}

}  // namespace proa::apps::vmm
