// What proa-vmm gives up before a guest's first instruction: the host's files, network and other
// processes, its privileges, and all system calls but a few for each kind of thread.
#pragma once

#include <sys/types.h>

#include <span>

#include "base/result.h"

namespace proa::apps::vmm {

// A system call that a kind of thread may make, and what for.
struct AllowedCall {
  long number;
  const char* reason;
};

// The main thread: control socket, snapshots, stats, the end.
std::span<const AllowedCall> main_thread_calls();
// A vCPU's thread: the guest, its serial output, interrupts.
std::span<const AllowedCall> vcpu_thread_calls();

struct Identity {
  uid_t user = 65534;
  gid_t group = 65534;
};

// Moves the process into namespaces of its own (mount, network, IPC, UTS, cgroup) with an empty
// read-only root, and drops to `identity` without capabilities. Without root it does so in a user
// namespace of its own. Single-threaded.
Result<void> leave_host(const Identity& identity);

// Restricts the calling thread for good; any other call kills the process.
//
// Spec: seccomp(2), SECCOMP_SET_MODE_FILTER; ioctl is further narrowed to KVM's requests
Result<void> filter_calls(std::span<const AllowedCall> calls);

}  // namespace proa::apps::vmm
