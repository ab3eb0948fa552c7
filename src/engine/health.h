// The health of a workload: a state machine fed with probe results. Pure; the shim runs the probes.
#pragma once

#include <chrono>
#include <cstdint>

#include "wire/record.h"

namespace proa::engine {

// Follows docker: `starting` until the first success; failures within the start period count only
// once a probe has succeeded; `retries` failures in a row make it unhealthy.
// Thread: a value.
class HealthState {
 public:
  explicit HealthState(const wire::HealthCheck& check) : check_(check) {}

  // `since_start`: when the probe began, counted from the workload's start.
  void on_probe(bool success, std::chrono::nanoseconds since_start);
  // How long to wait after a probe, and before the first one.
  std::chrono::nanoseconds next_delay(std::chrono::nanoseconds since_start) const;

  wire::Health health() const { return health_; }
  std::uint32_t failing_streak() const { return failing_streak_; }

 private:
  bool in_start_period(std::chrono::nanoseconds since_start) const;

  wire::HealthCheck check_;
  wire::Health health_ = wire::Health::starting;
  std::uint32_t failing_streak_ = 0;
};

}  // namespace proa::engine
