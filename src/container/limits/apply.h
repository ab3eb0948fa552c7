// The steps that carry out one placement of a plan. Used within container/limits only.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "container/limits/plan.h"
#include "kernel/cgroup/cgroup.h"

namespace proa::container::limits {

// Makes the missing cgroups above the placement's, with their controllers switched on (v2) or
// their cpuset filled (v1); appends the directories made to `made`.
Result<void> make_parents(const Placement& placement, std::vector<std::string>& made);

// v2: switches controllers on in every cgroup above the placement's.
//
// Errors: unsupported or busy (names the controller and the cgroup)
Result<void> switch_on(const Placement& placement);

// A new cpuset of v1 has neither processors nor memory nodes and takes no process until it has:
// gives it its parent's. Does nothing in other hierarchies.
Result<void> inherit_cpuset(const cgroup::Cgroup& cgroup, const Placement& placement);

// Writes all; what the kernel refuses (EINVAL, EBUSY) because two files depend on each other is
// tried once more after the others.
//
// Errors: unsupported (the kernel has no such file: names it), and what the kernel says
Result<void> write_all(const cgroup::Cgroup& cgroup, const std::vector<Write>& writes,
                       std::vector<std::string>& warnings);

}  // namespace proa::container::limits
