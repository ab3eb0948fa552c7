// Changing limits while the container runs: what an update leaves unsaid stays as it is.
#pragma once

#include "base/result.h"
#include "container/limits/cgroup_set.h"
#include "oci/runtime/resources.h"

namespace proa::container::limits {

// Fills in, from the cgroups, what cgroup v2 has in one file or one number with a limit that is
// to change: the quota beside a period, the memory limit beside one of memory and swap.
//
// Errors: busy (memory.checkBeforeUpdate, and more than the new limit is in use)
Result<oci::runtime::Resources> complete_update(const CgroupSet& cgroups,
                                                oci::runtime::Resources resources);

}  // namespace proa::container::limits
