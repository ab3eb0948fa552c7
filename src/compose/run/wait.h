// Waits until a container is what a dependency or `--wait` asks for.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/result.h"
#include "compose/run/engine_calls.h"

namespace proa::compose {

using Clock = std::chrono::steady_clock;

enum class Until : std::uint8_t { healthy, completed, running_or_healthy };

// Follows the container's events; asks the engine again at each.
//
// Errors: unavailable (it ended, is unhealthy, or has no health check to wait for), timeout
Result<void> await(EngineCalls& calls, const std::string& id, const std::string& name, Until until,
                   std::optional<Clock::time_point> deadline);

}  // namespace proa::compose
