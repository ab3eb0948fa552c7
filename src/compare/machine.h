// What a workload costs the host: processes below its supervisor, read from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/result.h"

namespace proa::compare {

struct HostCost {
  std::uint64_t pss = 0;   // bytes: each page's share of those who map it
  double cpu_seconds = 0;  // user and system, ended children included
};

// Of the process that supervises `first` (its parent: shim or monitor) and all below it; everything
// of the workload that the host carries.
//
// Errors: not_found (it ended), permission (not root)
Result<HostCost> host_cost(pid_t first);

// "6.18.44": of the host.
std::string kernel_release();

}  // namespace proa::compare
