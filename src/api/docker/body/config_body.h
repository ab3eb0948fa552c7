// Docker's Config, HostConfig and NetworkingConfig as engine::Config, and back.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "engine/workload.h"

namespace proa::api::docker {

// What the host's configuration says for what a client leaves open.
struct ConfigDefaults {
  wire::LogOptions log;
  bool init = false;
  std::int64_t shm_size = 64 << 20;
  std::vector<engine::Ulimit> ulimits;
};

struct CreateBody {
  engine::Config config;
  std::vector<std::string> warnings;
};

// Reads the body of a create.
//
// Errors: invalid_argument (names the field), unsupported (a field that asks for what is not there)
Result<CreateBody> read_create(const json::Value& body, const ConfigDefaults& defaults);

// The member ConsoleSize, [height, width], where there is one.
//
// Errors: invalid_argument
Result<wire::WindowSize> read_console_size(const json::Reader& object);

struct UpdateBody {
  engine::Limits limits;  // what is not asked for is as in `now`
  std::optional<wire::RestartPolicy> restart;
};
Result<UpdateBody> read_update(const json::Value& body, const engine::Limits& now);

// Inspect's Config and HostConfig.
json::Value print_config(const engine::Workload& workload);
json::Value print_host_config(const engine::Workload& workload);

// {"80/tcp":[{"HostIp":"","HostPort":"8080"}]}
json::Value print_port_bindings(const std::vector<engine::PublishedPort>& ports);

}  // namespace proa::api::docker
