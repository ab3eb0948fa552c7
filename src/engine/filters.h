// What docker's prune filters say about one object.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace proa::engine {

// Whether an object with `labels`, made at `created` (nanoseconds since 1970), is meant: all of
// `label`, none of `label!`, older than every `until` (RFC 3339, or seconds since 1970).
//
// Errors: invalid_argument (a moment that is none)
Result<bool> matches_prune(const std::map<std::string, std::vector<std::string>>& filters,
                           const std::map<std::string, std::string>& labels, std::int64_t created);

}  // namespace proa::engine
