// New processes that go on in the same code: clone3 straight into namespaces and a cgroup.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace proa::process {

struct CloneOptions {
  std::uint64_t flags = 0;      // CLONE_NEW*, CLONE_PARENT
  std::optional<FdRef> cgroup;  // a directory of the v2 tree: CLONE_INTO_CGROUP
};

struct Cloned {
  pid_t pid = 0;  // 0 in the child
  Fd pidfd;       // in the parent
};

// Makes a child that returns from here too, with a copy of all memory.
//
// Errors: exhausted, permission, unsupported
// Thread: the process has one thread, for the child runs ordinary code (which allocates)
Result<Cloned> clone(const CloneOptions& options);

// Closes all descriptors but the standard streams and those: for a child that is to hold nothing
// else of its parent's. Negative numbers stand for none.
Result<void> close_all_but(std::vector<int> kept);

}  // namespace proa::process
