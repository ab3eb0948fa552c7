// Durations as Go and Docker write them: "1h30m", "1.5s", "300ms".
#pragma once

#include <chrono>
#include <string_view>

#include "base/result.h"

namespace proa::build {

// Errors: invalid_argument
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

}  // namespace proa::build
