#include "apps/vmm/filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/text.h"

namespace proa::apps::vmm {
namespace {

using proa::vmm::ThreadKind;

constexpr std::array kMainCalls = {
    AllowedCall{SYS_read, "read", "events, serial input"},
    AllowedCall{SYS_write, "write", "events, the report of the end"},
    AllowedCall{SYS_close, "close", "connections and files that came with a request"},
    AllowedCall{SYS_epoll_wait, "epoll_wait", "waiting for all of these"},
    AllowedCall{SYS_epoll_ctl, "epoll_ctl", "a new or closed connection"},
    AllowedCall{SYS_accept4, "accept4", "a controller connects"},
    AllowedCall{SYS_recvmsg, "recvmsg", "requests and their descriptors"},
    AllowedCall{SYS_sendmsg, "sendmsg", "answers"},
    AllowedCall{SYS_fcntl, "fcntl", "a connection is non-blocking"},
    AllowedCall{SYS_ioctl, "ioctl", "saving the vCPUs' state"},
    AllowedCall{SYS_futex, "futex", "waiting for vCPUs and devices to pause"},
    AllowedCall{SYS_tgkill, "tgkill", "kicking a vCPU out of the guest"},
    AllowedCall{SYS_getpid, "getpid", "the same: tgkill names the process"},
    AllowedCall{SYS_gettid, "gettid", "the same"},
    AllowedCall{SYS_rt_sigprocmask, "rt_sigprocmask", "the same: glibc blocks signals around it"},
    AllowedCall{SYS_rt_sigreturn, "rt_sigreturn", "a signal that came while waiting"},
    AllowedCall{SYS_mincore, "mincore", "which guest pages were touched"},
    AllowedCall{SYS_sysinfo, "sysinfo", "the same: whether any may be swapped out"},
    AllowedCall{SYS_pwrite64, "pwrite64", "the snapshot's files"},
    AllowedCall{SYS_ftruncate, "ftruncate", "the same"},
    AllowedCall{SYS_mmap, "mmap", "memory"},
    AllowedCall{SYS_munmap, "munmap", "memory"},
    AllowedCall{SYS_madvise, "madvise", "memory: a thread's stack is given back at its end"},
    AllowedCall{SYS_brk, "brk", "memory"},
    AllowedCall{SYS_exit_group, "exit_group", "the end"},
};

constexpr std::array kVcpuCalls = {
    AllowedCall{SYS_ioctl, "ioctl", "KVM_RUN, interrupts"},
    AllowedCall{SYS_write, "write", "serial output, events, a device's fault"},
    AllowedCall{SYS_poll, "poll", "whether the serial port's reader has room; pending interrupts"},
    AllowedCall{SYS_restart_syscall, "restart_syscall",
                "poll goes on after the process was stopped"},
    AllowedCall{SYS_eventfd2, "eventfd2", "an interrupt vector is used for the first time"},
    AllowedCall{SYS_futex, "futex", "pausing, locks of devices, waiting for a device's reset"},
    AllowedCall{SYS_tgkill, "tgkill", "the guest ends: the other vCPUs are kicked"},
    AllowedCall{SYS_getpid, "getpid", "the same: tgkill names the process"},
    AllowedCall{SYS_gettid, "gettid", "the same"},
    AllowedCall{SYS_rt_sigprocmask, "rt_sigprocmask", "the same: glibc blocks signals around it"},
    AllowedCall{SYS_rt_sigreturn, "rt_sigreturn", "being kicked"},
    AllowedCall{SYS_mmap, "mmap", "memory"},
    AllowedCall{SYS_munmap, "munmap", "memory"},
    AllowedCall{SYS_madvise, "madvise", "the thread's stack at its end"},
    AllowedCall{SYS_brk, "brk", "memory"},
    AllowedCall{SYS_exit, "exit", "the thread's end"},
    AllowedCall{SYS_exit_group, "exit_group", "one of our own invariants does not hold"},
};

// Every thread that serves devices: its loop, its memory, its end.
constexpr std::array kWorkerCalls = {
    AllowedCall{SYS_epoll_wait, "epoll_wait", "waiting for kicks, tasks and the host's side"},
    AllowedCall{SYS_epoll_ctl, "epoll_ctl", "a driver starts or resets a device"},
    AllowedCall{SYS_read, "read", "taking kicks and tasks"},
    AllowedCall{SYS_write, "write", "interrupts, a device's fault"},
    AllowedCall{SYS_ioctl, "ioctl", "interrupts through the IOAPIC; a tap's offloads"},
    AllowedCall{SYS_futex, "futex", "tasks, pausing, interrupt vectors"},
    AllowedCall{SYS_mmap, "mmap", "memory"},
    AllowedCall{SYS_munmap, "munmap", "memory"},
    AllowedCall{SYS_madvise, "madvise", "guest pages given back; the thread's stack at its end"},
    AllowedCall{SYS_brk, "brk", "memory"},
    AllowedCall{SYS_rt_sigprocmask, "rt_sigprocmask", "the thread's end"},
    AllowedCall{SYS_exit, "exit", "the thread's end"},
    AllowedCall{SYS_exit_group, "exit_group", "one of our own invariants does not hold"},
};

constexpr std::array kBlockCalls = {
    AllowedCall{SYS_io_uring_enter, "io_uring_enter", "the disk's reads and writes"},
};

constexpr std::array kNetCalls = {
    AllowedCall{SYS_readv, "readv", "frames from the tap"},
    AllowedCall{SYS_writev, "writev", "frames to the tap"},
};

constexpr std::array kDeviceCalls = {
    AllowedCall{SYS_getrandom, "getrandom", "the entropy device"},
    AllowedCall{SYS_sendmsg, "sendmsg",
                "bytes of console ports; requests to the server of a share"},
    AllowedCall{SYS_recvmsg, "recvmsg", "bytes for console ports; its answers"},
    AllowedCall{SYS_poll, "poll", "waiting for an answer, with a limit"},
    AllowedCall{SYS_restart_syscall, "restart_syscall",
                "poll goes on after the process was stopped"},
};

constexpr sock_filter statement(std::uint16_t code, std::uint32_t operand) {
  return {code, 0, 0, operand};
}

// Skips the next `if_not` instructions unless the loaded number is `operand`.
constexpr sock_filter equal_or_skip(std::uint32_t operand, std::uint8_t if_not) {
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, if_not, operand};
}

constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t kReturn = BPF_RET | BPF_K;

// Allows only KVM's own requests (no terminal, no network device, no file system), and a tap's
// offloads where there is a tap.
void append_ioctl(std::vector<sock_filter>& code, bool tap) {
  constexpr std::uint32_t kTypeMask = 0xff00;
  code.push_back(equal_or_skip(SYS_ioctl, tap ? 7 : 5));
  code.push_back(statement(kLoad, offsetof(seccomp_data, args[1])));
  if (tap) {
    code.push_back(equal_or_skip(TUNSETOFFLOAD, 1));
    code.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
  }
  code.push_back(statement(BPF_ALU | BPF_AND | BPF_K, kTypeMask));
  code.push_back(equal_or_skip(KVMIO << 8, 1));
  code.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
  code.push_back(statement(kReturn, SECCOMP_RET_KILL_PROCESS));
}

std::vector<sock_filter> program(std::optional<ThreadKind> kind) {
  std::vector<sock_filter> code = {
      statement(kLoad, offsetof(seccomp_data, arch)),
      equal_or_skip(AUDIT_ARCH_X86_64, 1),
      statement(BPF_JMP | BPF_JA, 1),
      statement(kReturn, SECCOMP_RET_KILL_PROCESS),
      statement(kLoad, offsetof(seccomp_data, nr)),
  };
  for (const AllowedCall& call : allowed_calls(kind)) {
    if (call.number == SYS_ioctl) {
      append_ioctl(code, kind == ThreadKind::net);
      continue;
    }
    code.push_back(equal_or_skip(static_cast<std::uint32_t>(call.number), 1));
    code.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
  }
  code.push_back(statement(kReturn, SECCOMP_RET_KILL_PROCESS));
  return code;
}

}  // namespace

std::vector<AllowedCall> allowed_calls(std::optional<ThreadKind> kind) {
  if (!kind.has_value()) return {kMainCalls.begin(), kMainCalls.end()};
  std::vector<AllowedCall> calls(kWorkerCalls.begin(), kWorkerCalls.end());
  switch (*kind) {
    case ThreadKind::vcpu:
      return {kVcpuCalls.begin(), kVcpuCalls.end()};
    case ThreadKind::block:
      calls.insert(calls.end(), kBlockCalls.begin(), kBlockCalls.end());
      break;
    case ThreadKind::net:
      calls.insert(calls.end(), kNetCalls.begin(), kNetCalls.end());
      break;
    case ThreadKind::device:
      calls.insert(calls.end(), kDeviceCalls.begin(), kDeviceCalls.end());
      break;
  }
  return calls;
}

std::string print_allowed_calls() {
  constexpr std::array<std::pair<const char*, std::optional<ThreadKind>>, 5> kKinds = {{
      {"main", std::nullopt},
      {"vcpu", ThreadKind::vcpu},
      {"block", ThreadKind::block},
      {"net", ThreadKind::net},
      {"device", ThreadKind::device},
  }};
  std::string text;
  for (const auto& [thread, kind] : kKinds) {
    for (const AllowedCall& call : allowed_calls(kind)) {
      text += cat(thread, " ", call.name, ": ", call.reason, "\n");
    }
  }
  return text;
}

Result<void> filter_calls(std::optional<ThreadKind> kind) {
  std::vector<sock_filter> code = program(kind);
  const sock_fprog filter{static_cast<unsigned short>(code.size()), code.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("setting no_new_privs");
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) {
    return fail_errno("loading the filter");
  }
  return {};
}

}  // namespace proa::apps::vmm
