// Moments in UTC as RFC 3339 text. Local time is for the command line alone.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proa {

using Moment = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

Moment now();

// "2026-01-02T03:04:05.678901234Z": always nine digits, always UTC.
std::string to_rfc3339(Moment moment);

// Parses RFC 3339 with any number of fraction digits (beyond nine are cut) and any offset.
//
// Errors: invalid_argument
Result<Moment> parse_rfc3339(std::string_view text);

}  // namespace proa
