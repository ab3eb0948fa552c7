#include "kernel/process/scheduling.h"

#include <linux/sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace proa::process {
namespace {

// The kernel's struct sched_attr in its first size; its header is not fit for C++.
struct Attributes {
  std::uint32_t size;
  std::uint32_t policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime;
  std::uint64_t deadline;
  std::uint64_t period;
};
static_assert(sizeof(Attributes) == 48);

}  // namespace

Result<void> set_scheduling(const Scheduling& wanted) {
  Attributes attributes = {sizeof(Attributes), wanted.policy,  wanted.flags,    wanted.nice,
                           wanted.priority,    wanted.runtime, wanted.deadline, wanted.period};
  if (::syscall(SYS_sched_setattr, 0, &attributes, 0) != 0) {
    return fail_errno("sched_setattr with policy ", wanted.policy);
  }
  return {};
}

Result<void> take_turns() {
  return set_scheduling({.policy = SCHED_BATCH, .nice = ::getpriority(PRIO_PROCESS, 0)});
}

}  // namespace proa::process
