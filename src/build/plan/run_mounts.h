// RUN --mount: what a step sees beside its root. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proa::build {

enum class MountType : std::uint8_t { bind, cache, tmpfs, secret };
enum class CacheSharing : std::uint8_t { shared, priv, locked };

// Thread: a value.
struct RunMount {
  MountType type = MountType::bind;
  std::string from;    // a stage or image; "" for the context
  std::string source;  // below it
  std::string target;
  std::string id;
  std::string environment;  // secret: the variable that gets it
  bool read_only = false;
  bool required = false;
  CacheSharing sharing = CacheSharing::shared;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;
};

// Parses "type=cache,target=/x,...". `working_directory` is what a relative target is below.
//
// Errors: invalid_argument (names the key), unsupported (ssh)
Result<RunMount> parse_run_mount(std::string_view text, const std::string& working_directory);
// The "from" of a mount's text, or "".
std::string mount_source(std::string_view text);

}  // namespace proa::build
