// How the kernel shares processors out to a process: sched_setattr(2).
#pragma once

#include <cstdint>

#include "base/result.h"

namespace proa::process {

// Spec:  sched(7), sched_setattr(2)
// Units: runtime, deadline and period in nanoseconds
struct Scheduling {
  std::uint32_t policy = 0;  // SCHED_OTHER and so on
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t flags = 0;  // SCHED_FLAG_*
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
  bool operator==(const Scheduling&) const = default;
};

// Schedules the calling thread so.
//
// Errors: permission (without CAP_SYS_NICE), invalid_argument, busy (no bandwidth for a deadline)
Result<void> set_scheduling(const Scheduling& scheduling);

// Changes the calling thread's policy to SCHED_BATCH and keeps its nice value: from now on it takes
// its turn when it wakes up, instead of preempting what runs on its processor.
Result<void> take_turns();

}  // namespace proa::process
