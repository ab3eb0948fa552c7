// Processes that are born of one in between: it enters namespaces that only its children can be
// born in, gives birth to a child of ours (CLONE_PARENT) and ends.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/process/child.h"

namespace proa::container {

// What the process in between does first: all that is born of it shares its group until then.
Result<void> begin_birth();
// What it does last: tells the number of the process that was born.
Result<void> announce_birth(FdRef sync, pid_t born);

// Takes over the process that `between` announces, and reaps `between`. Should anything fail,
// whatever was born is killed and reaped too, announced or not.
//
// Errors: that of a failure that was sent instead
Result<process::Child> await_birth(process::Child between, FdRef sync,
                                   std::vector<std::string>& warnings);

}  // namespace proa::container
