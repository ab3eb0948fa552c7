#include "engine/health.h"

namespace proa::engine {

bool HealthState::in_start_period(std::chrono::nanoseconds since_start) const {
  return health_ == wire::Health::starting && since_start.count() < check_.start_period;
}

void HealthState::on_probe(bool success, std::chrono::nanoseconds since_start) {
  if (success) {
    failing_streak_ = 0;
    health_ = wire::Health::healthy;
    return;
  }
  if (in_start_period(since_start)) return;
  ++failing_streak_;
  if (failing_streak_ >= check_.retries) health_ = wire::Health::unhealthy;
}

std::chrono::nanoseconds HealthState::next_delay(std::chrono::nanoseconds since_start) const {
  const bool early = check_.start_interval > 0 && in_start_period(since_start);
  return std::chrono::nanoseconds(early ? check_.start_interval : check_.interval);
}

}  // namespace proa::engine
