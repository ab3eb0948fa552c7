// Files of environment variables: a project's `.env` and a service's `env_file`. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "compose/document/interpolate.h"

namespace proa::compose {

using Variables = std::vector<std::pair<std::string, std::string>>;

// Reads `NAME=value` lines: comments, `export`, single quotes (taken literally), double quotes
// (escapes and variables), unquoted values (variables; cut at " #"). A variable refers to one
// before it in the file, else to `lookup`. A line that is only a name takes the value of `lookup`,
// and is left out where there is none.
//
// Spec:   Compose specification, "Env_file format"
// Errors: invalid_argument (file and line)
Result<Variables> parse_env_file(std::string_view text, const std::string& file,
                                 const Lookup& lookup, const Warn& warn);

}  // namespace proa::compose
