// Docker's LogConfig, of a container and of the daemon's configuration.
#pragma once

#include <map>
#include <string>

#include "base/json.h"
#include "wire/values.h"

namespace proa::api::docker {

// Errors: invalid_argument (an unknown driver or option, in Docker's words)
Result<wire::LogOptions> read_log(const json::Reader& reader, const wire::LogOptions& defaults);
Result<wire::LogOptions> make_log(const std::string& driver,
                                  const std::map<std::string, std::string>& options,
                                  const wire::LogOptions& defaults);
json::Value print_log(const wire::LogOptions& log);

// "10m" -> bytes, with Docker's units: b, k, m, g, t, of 1024.
Result<std::uint64_t> parse_size(std::string_view text);

}  // namespace proa::api::docker
