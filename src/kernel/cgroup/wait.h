// Waiting for processes and cgroups by the kernel's own events, each wait with a deadline. Used
// within kernel/cgroup only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/cgroup/cgroup.h"

namespace proa::cgroup {

// Invalid where the process is gone.
Fd open_pidfd(pid_t pid);
// A process that has ended meanwhile is no error.
void signal_pidfd(FdRef pidfd, int number);

// Waits until `key` in cgroup.events of a v2 cgroup has this value.
//
// Errors: timeout
Result<void> wait_for_event(FdRef cgroup, std::string_view key, std::uint64_t value,
                            Deadline deadline);

// Waits until no process is left in the cgroup itself; a cgroup that is gone is empty.
//
// Errors: timeout (names a process)
Result<void> wait_until_empty(const std::string& directory, Version version, Deadline deadline);

// Lets a millisecond pass where the kernel gives no event; false when time is up.
bool pause_before(Deadline deadline);

}  // namespace proa::cgroup
