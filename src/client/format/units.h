// Sizes and spans of time as docker prints them, and as its users type them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace proa::client {

// "72.8MB": decimal units, `digits` significant digits.
std::string human_size(double bytes, int digits = 4);
// "1.5GiB": binary units, four significant digits.
std::string binary_size(double bytes);
// "About an hour", "3 days".
std::string human_duration(std::chrono::seconds duration);
// "3 days ago", of a moment in seconds since 1970.
std::string human_age(std::int64_t unix_seconds, Moment now);

// "512m", "1.5g", "4096": bytes in binary units, as limits are given.
//
// Errors: invalid_argument
Result<std::int64_t> parse_size(std::string_view text);
// "1m30s", "100ms", "1.5h": Go's durations.
//
// Errors: invalid_argument
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);
// A moment for --since and --until: RFC 3339 (also cut short, then in UTC), seconds since 1970,
// or a duration that has passed; gives what the API takes, "seconds.nanoseconds".
//
// Errors: invalid_argument
Result<std::string> parse_moment(std::string_view text, Moment now);
// "0.5" processors in billionths.
//
// Errors: invalid_argument
Result<std::int64_t> parse_cpus(std::string_view text);

}  // namespace proa::client
