// The host's part of a container's body: limits, namespaces, security, mounts, networks.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "client/flags/flags.h"

namespace proa::client {

// Errors: invalid_argument, not_found (a file that a flag names)
Result<json::Value> host_config(const Flags& flags, std::string_view directory);
// Sets what limit_flags() say.
Result<void> set_limits(json::Value& host, const Flags& flags);
// Sets NetworkMode, and gives NetworkingConfig.
Result<json::Value> set_networks(json::Value& host, const Flags& flags);

}  // namespace proa::client
