// What Compose writes as text and means as something else: flags, numbers, spans of time, and
// lines as a shell would cut them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proa::compose {

// As docker prints it: "1m30s".
std::string print_duration(std::int64_t nanoseconds);
// "true", "yes", "on", ... as YAML 1.1 and Compose read them.
Result<bool> parse_boolean(std::string_view text);
Result<double> parse_decimal(std::string_view text);
// Words with quotes and backslashes, without variables.
Result<std::vector<std::string>> split_words(std::string_view line);

}  // namespace proa::compose
