// Paths of a Compose file: relative ones count from the project's directory, `~` is the home.
#pragma once

#include <string>
#include <string_view>

#include "compose/document/node.h"

namespace proa::compose {

// Without `.`, `..` and doubled slashes, by text alone.
std::string absolute_path(std::string_view path, const std::string& directory,
                          const std::string& home);
std::string directory_of(std::string_view path);

// Makes the paths of a canonical tree absolute: build contexts, binds, env files, and the files of
// configs and secrets.
void resolve_paths(Node& root, const std::string& directory, const std::string& home);

}  // namespace proa::compose
