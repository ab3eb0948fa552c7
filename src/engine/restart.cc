#include "engine/restart.h"

#include <algorithm>

namespace proa::engine {
namespace {

bool failed(const wire::Ending& ending) {
  return ending.signalled || ending.code != 0 || !ending.failure.empty();
}

}  // namespace

std::optional<Restart> decide_restart(const wire::RestartPolicy& policy, const EndedRun& run) {
  if (run.asked) return std::nullopt;
  switch (policy.mode) {
    case wire::RestartMode::no:
      return std::nullopt;
    case wire::RestartMode::on_failure:
      if (!failed(run.ending)) return std::nullopt;
      if (policy.maximum_retries > 0 && run.restarts >= policy.maximum_retries) return std::nullopt;
      break;
    case wire::RestartMode::always:
    case wire::RestartMode::unless_stopped:
      break;
  }
  if (run.last_delay.count() == 0 || run.ran >= kGoodRun) return Restart{kFirstDelay};
  return Restart{std::min<std::chrono::nanoseconds>(run.last_delay * 2, kLongestDelay)};
}

bool starts_at_boot(const wire::RestartPolicy& policy, const wire::Ending& last,
                    bool stopped_by_hand) {
  switch (policy.mode) {
    case wire::RestartMode::no:
      return false;
    case wire::RestartMode::on_failure:
      return !stopped_by_hand && failed(last);
    case wire::RestartMode::unless_stopped:
      return !stopped_by_hand;
    case wire::RestartMode::always:
      return true;
  }
  return false;
}

}  // namespace proa::engine
