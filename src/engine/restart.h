// The restart policy: one pure function, linked by the shim (which applies it when a process ends)
// and by proad (at boot, and after a shim's death).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "wire/values.h"

namespace proa::engine {

struct EndedRun {
  wire::Ending ending;
  bool asked = false;          // stopped from outside: stays down
  std::uint32_t restarts = 0;  // in a row before this end
  std::chrono::nanoseconds ran{0};
  std::chrono::nanoseconds last_delay{0};
};

struct Restart {
  std::chrono::nanoseconds delay;
};

constexpr std::chrono::milliseconds kFirstDelay{100};
constexpr std::chrono::seconds kLongestDelay{60};
// A run of this length counts as a success: the next delay is the first one again.
constexpr std::chrono::seconds kGoodRun{10};

// Whether, and after what delay, a workload starts again: 100 ms at first, doubled each time up to
// a minute, as docker does.
std::optional<Restart> decide_restart(const wire::RestartPolicy& policy, const EndedRun& run);

// What `restart` means when the engine starts and finds the workload down: `stopped_by_hand` keeps
// unless-stopped (but not always) down; on-failure counts as after any end.
bool starts_at_boot(const wire::RestartPolicy& policy, const wire::Ending& last,
                    bool stopped_by_hand);

}  // namespace proa::engine
