// Canonical nodes to the project's types. Keys that nobody knows are warned of, values of a wrong
// shape refused, each with file, line and column.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "compose/document/node.h"
#include "compose/model/project.h"

namespace proa::compose {

// Errors: invalid_argument ("compose.yaml:3:5: services.web.ports: expected a list, got ...")
Result<Project> read_project(const Node& root, std::vector<std::string>& warnings);

}  // namespace proa::compose
