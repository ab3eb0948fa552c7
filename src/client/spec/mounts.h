// What -v, --mount, --tmpfs and --device say, as the API takes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace proa::client {

// Either a bind ("source:target[:options]") or the path of an anonymous volume.
struct VolumeFlag {
  std::string bind;
  std::string anonymous;
};

// A source that begins with "." is taken from `directory`.
//
// Errors: invalid_argument
Result<VolumeFlag> parse_volume(std::string_view text, std::string_view directory);

// "type=bind,source=/a,target=/b,readonly": an element of HostConfig.Mounts.
//
// Errors: invalid_argument
Result<json::Value> parse_mount(std::string_view text, std::string_view directory);

// "/host[:/inside[:rwm]]": an element of HostConfig.Devices.
//
// Errors: invalid_argument
Result<json::Value> parse_device(std::string_view text);

// Takes one line of comma-separated values apart; a value may be quoted.
//
// Spec:   RFC 4180, 2
// Errors: invalid_argument (an open quote)
Result<std::vector<std::string>> parse_csv(std::string_view line);

}  // namespace proa::client
