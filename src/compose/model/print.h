// A project as `config` shows it: everything in its long form, what was not said left out.
#pragma once

#include <string>

#include "base/json.h"
#include "compose/model/project.h"

namespace proa::compose {

json::Value to_json(const Project& project);
// Also the text that a service's configuration is told apart by.
json::Value to_json(const Service& service);

// Any JSON value as YAML in block style, keys in the order that they have.
std::string print_yaml(const json::Value& value);

}  // namespace proa::compose
