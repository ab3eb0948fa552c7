// Whether a canonical tree hangs together: what one part names is there, words are among those
// allowed, nothing depends on itself. Pure; finds the place of each fault.
#pragma once

#include "base/result.h"
#include "compose/document/node.h"

namespace proa::compose {

// Errors: invalid_argument (with the place)
Result<void> check(const Node& root);

// "shop", as docker compose allows it: lower-case letters, digits, '-' and '_'.
bool is_project_name(std::string_view name);
// Makes a name of a directory's: lower case, what is not allowed left out.
std::string project_name_of(std::string_view directory);

}  // namespace proa::compose
