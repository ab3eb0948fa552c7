// What follows from what a project says: dependencies that other keys imply, the default network,
// names on the engine, environments. Before and after reading.
#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "compose/document/interpolate.h"
#include "compose/document/node.h"
#include "compose/model/project.h"

namespace proa::compose {

// Adds `depends_on` for links, volumes_from, and namespaces of another service.
void imply_dependencies(Node& root);

// Takes away services whose profiles are not active, unless they are wanted, by name or by what
// depends on them.
void apply_profiles(Node& root, const std::set<std::string>& active,
                    const std::set<std::string>& wanted);

// Whether the files that services take variables and labels from are there; while their places are
// still known.
//
// Errors: invalid_argument (with the place)
Result<void> require_files(const Node& root);

// Gives networks, volumes, configs and secrets their names on the engine, services the default
// network, their environment from its files and the shell, and their build its defaults.
//
// Errors: not_found (an env file), invalid_argument (a line of it)
Result<void> complete(Project& project, const Lookup& variables, const Warn& warn);

}  // namespace proa::compose
