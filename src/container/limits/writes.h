// The writes that a controller's limits become, for cgroup v1 and v2. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "container/limits/plan.h"
#include "oci/runtime/resources.h"

namespace proa::container::limits {

using Writes = std::vector<Write>;

// One controller by its names ("" where that version has none) and the writes of its limits; no
// writes where nothing is asked of it.
//
// Errors of the functions: invalid_argument, unsupported (v2 has no such limit)
struct Controller {
  std::string_view v1_name;
  std::string_view v2_name;
  Result<Writes> (*v1_writes)(const oci::runtime::Resources&);
  Result<Writes> (*v2_writes)(const oci::runtime::Resources&);
};

// All that limits are made of, but for devices.
const std::array<Controller, 9>& controllers();

// Spec: runc's and crun's shared formula, which gives Docker's default of 1024 shares the kernel's
//       default weight of 100
// Shape: shares 2 to 262144 (beyond: the nearest); weights 1 to 10000
std::uint64_t cpu_weight(std::uint64_t shares);
// Blkio weights 10 to 1000 to io weights 1 to 10000, in proportion.
std::uint64_t io_weight(std::uint64_t blkio_weight);

// What memory.swap.max gets: v1 counts memory and swap together, v2 swap alone; nothing where it
// is not to be set.
//
// Errors: invalid_argument (less than the memory limit, or a limit of swap without one of memory)
Result<std::optional<std::string>> swap_max(const oci::runtime::MemoryLimits& memory);

}  // namespace proa::container::limits
