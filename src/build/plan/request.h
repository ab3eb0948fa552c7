// What somebody asks a build for.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "build/parse/expand.h"

namespace proa::build {

inline constexpr std::string_view kInsecureSteps = "security.insecure";
inline constexpr std::string_view kHostNetworkSteps = "network.host";

// Thread: a value.
struct Request {
  std::string dockerfile_name = "Dockerfile";    // as messages show it; below the context
  std::optional<std::string> dockerfile;         // its text, where it does not lie in the context
  std::map<std::string, std::string> arguments;  // --build-arg
  std::string target;
  std::vector<std::string> tags;
  std::map<std::string, std::string> labels;
  bool no_cache = false;
  bool pull = false;
  std::string network;                         // "", "default", "host", "none"
  std::string platform;                        // "" or the host's own
  std::optional<std::int64_t> source_date;     // SOURCE_DATE_EPOCH
  std::map<std::string, std::string> secrets;  // by id
  std::vector<std::string> extra_hosts;        // "name:address"
  // What a Dockerfile may ask for beyond a step's rights (BuildKit's entitlements).
  std::vector<std::string> allowed;  // kInsecureSteps, kHostNetworkSteps
  std::uint64_t shm_size = std::uint64_t{64} << 20;
  std::uint64_t memory = 0;
};

}  // namespace proa::build
