// The system calls that each kind of proa-vmm's threads may make once the guest runs, each with its
// reason; any other kills the process.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "vmm/vcpu/thread_kind.h"

namespace proa::apps::vmm {

struct AllowedCall {
  long number;
  const char* name;
  const char* reason;
};

// Of the main thread, where no kind is given: control socket, snapshots, stats, the end.
std::vector<AllowedCall> allowed_calls(std::optional<proa::vmm::ThreadKind> kind);

// All of them as lines "thread call: reason".
std::string print_allowed_calls();

// Restricts the calling thread for good.
//
// Spec: seccomp(2), SECCOMP_SET_MODE_FILTER; ioctl is further narrowed to KVM's requests, and to
//       a tap's offloads on the threads that have one
Result<void> filter_calls(std::optional<proa::vmm::ThreadKind> kind);

}  // namespace proa::apps::vmm
