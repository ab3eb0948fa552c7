// Containers as Docker's list and inspect show them.
#pragma once

#include "base/json.h"
#include "engine/workload.h"

namespace proa::api::docker {

// One entry of the list.
json::Value print_summary(const engine::Workload& workload, std::int64_t now);
// All of inspect but what only the engine knows (ExecIDs, sizes).
json::Value print_inspect(const engine::Workload& workload, const std::string& root);

// "Up 5 minutes (healthy)", "Exited (0) 3 seconds ago"
std::string status_text(const engine::State& state, std::int64_t now);
// "About an hour"
std::string duration_text(std::int64_t nanoseconds);
// RFC 3339; Go's zero time where it never was.
std::string moment_text(std::int64_t nanoseconds);

}  // namespace proa::api::docker
