// Devices of the host that a workload is given: what its Config names, or for a privileged one all
// that the host has.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/config.h"

namespace proa::engine {

struct HostDevice {
  std::string path;  // inside
  char type = 'c';   // 'c' or 'b'
  std::uint32_t major = 0, minor = 0, mode = 0, uid = 0, gid = 0;
  std::string access;  // "rwm"
};

// A directory stands for all devices below it, as with docker.
//
// Errors: not_found and invalid_argument (names the device)
Result<std::vector<HostDevice>> asked_devices(const Config& config);
// What is in /dev but terminals of others and what every container has of its own.
Result<std::vector<HostDevice>> all_devices();

}  // namespace proa::engine
