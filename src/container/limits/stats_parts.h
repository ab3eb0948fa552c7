// Reading of single cgroup files that more than one place needs. Used within container/limits only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "kernel/cgroup/cgroup.h"

namespace proa::container::limits {

// A file that holds a number, or "max" for no limit.
Result<std::optional<std::uint64_t>> read_limit(const cgroup::Cgroup& cgroup,
                                                const std::string& file);

}  // namespace proa::container::limits
