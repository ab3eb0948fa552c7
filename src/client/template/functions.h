// The functions that templates may call, over JSON values.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace proa::client {

bool is_template_function(std::string_view name);

// Arguments in order, the piped one last. `and` and `or` are the runner's: they stop early.
//
// Errors: invalid_argument (their number, their types)
Result<json::Value> call_template_function(std::string_view name,
                                           std::span<const json::Value> arguments);

// As Go prints with %v: "[a b]", "map[k:v]", "<no value>".
std::string print_as_go(const json::Value& value);
bool is_true(const json::Value& value);

}  // namespace proa::client
