// Names of workloads: what docker allows, and what the engine makes up.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proa::engine {

// Spec:   [a-zA-Z0-9][a-zA-Z0-9_.-]*, of at least two characters
// Errors: invalid_argument, in docker's words
Result<void> check_name(std::string_view name);
// "quiet_mooring", with a number behind it where `taken` says so.
std::string make_name(const std::function<bool(const std::string&)>& taken);

}  // namespace proa::engine
