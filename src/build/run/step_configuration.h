// The OCI runtime configuration of one RUN: docker's default rights, in a user namespace unless
// the step is insecure. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace proa::build {

inline constexpr const char* kStepHostName = "build";

// joined: a network namespace that is there already, on a network.
enum class StepNetwork : std::uint8_t { joined, host, none };

struct TmpfsMount {
  std::string destination;
  std::uint64_t size = 0;  // bytes; 0: the kernel's default
};

struct StepSpec {
  std::string id;
  std::string cgroup;  // path in each hierarchy
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::string working_directory;
  StepNetwork network = StepNetwork::none;
  bool insecure = false;
  std::uint32_t ids_first = 0;  // host id of its root
  std::uint32_t ids_count = 0;
  std::uint64_t shm_size = std::uint64_t{64} << 20;
  std::uint64_t memory = 0;  // bytes; 0: no limit
  std::vector<TmpfsMount> tmpfs;
};

json::Value step_configuration(const StepSpec& spec);

// Where the configuration mounts something, whatever the step asks for.
std::vector<std::string> step_destinations(const StepSpec& spec);

}  // namespace proa::build
