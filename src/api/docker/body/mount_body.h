// Docker's three ways to ask for a mount (Binds, Mounts, Tmpfs) and the ones it shows them by.
#pragma once

#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/workload.h"

namespace proa::api::docker {

// "source:destination[:options]", or a volume's destination alone.
//
// Errors: invalid_argument, in Docker's words
Result<engine::Mount> parse_bind(std::string_view text);

// Reads HostConfig's Binds, Mounts and Tmpfs.
Result<void> read_mounts(const json::Reader& host_config, std::vector<engine::Mount>& mounts);

// Sets Binds, Mounts and Tmpfs of an inspected HostConfig.
void print_mounts(const std::vector<engine::Mount>& mounts, json::Value& host_config);

// The Mounts of an inspected container: what volumes and binds became.
json::Value mount_points(const engine::Workload& workload);

}  // namespace proa::api::docker
