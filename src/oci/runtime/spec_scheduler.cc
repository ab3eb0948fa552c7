// The scheduler of a process.
#include <algorithm>
#include <utility>

#include "oci/runtime/fields.h"
#include "oci/runtime/spec_reading.h"

namespace proa::oci::runtime {
namespace {

// The kernel's numbers: glibc has only some of the names.
struct Word {
  std::string_view name;
  std::uint32_t number;
};

constexpr Word kPolicies[] = {
    {"SCHED_OTHER", 0}, {"SCHED_FIFO", 1}, {"SCHED_RR", 2},       {"SCHED_BATCH", 3},
    {"SCHED_ISO", 4},   {"SCHED_IDLE", 5}, {"SCHED_DEADLINE", 6},
};
constexpr Word kFlags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},
    {"SCHED_FLAG_DL_OVERRUN", 0x04},     {"SCHED_FLAG_KEEP_POLICY", 0x08},
    {"SCHED_FLAG_KEEP_PARAMS", 0x10},    {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40},
};

}  // namespace

Result<Scheduler> read_scheduler(const json::Reader& object) {
  TRY(check_object(object));
  Scheduler scheduler;
  std::string policy;
  TRY(take_required(object, "policy", policy));
  const auto* known = std::ranges::find(kPolicies, policy, &Word::name);
  if (known == std::end(kPolicies)) {
    return object.fault("policy: '", printable(policy, 40), "' is not a scheduling policy");
  }
  scheduler.policy = known->number;
  TRY(take(object, "nice", scheduler.nice));
  if (scheduler.nice < -20 || scheduler.nice > 19) return object.fault("nice: not -20 to 19");
  TRY(take(object, "priority", scheduler.priority));
  TRY(take(object, "runtime", scheduler.runtime));
  TRY(take(object, "deadline", scheduler.deadline));
  TRY(take(object, "period", scheduler.period));
  std::vector<std::string> flags;
  TRY(take(object, "flags", flags));
  for (const std::string& flag : flags) {
    const auto* found = std::ranges::find(kFlags, flag, &Word::name);
    if (found == std::end(kFlags)) {
      return object.fault("flags: '", printable(flag, 40), "' is not known");
    }
    scheduler.flags |= found->number;
  }
  return scheduler;
}

}  // namespace proa::oci::runtime
