// What the engine is asked for: the bodies of its API that a project's parts become. Pure.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "compose/model/project.h"

namespace proa::compose {

// POST /containers/create for the `number`th of a service, whose image has that id. The names of
// containers that other keys refer to ("service:db") are those of their first replica.
//
// Errors: invalid_argument (what only shows here: a secret without content)
Result<json::Value> container_body(const Project& project, const Service& service, unsigned number,
                                   const std::string& image_id);
json::Value network_body(const Project& project, const std::string& key, const Network& network);
json::Value volume_body(const Project& project, const std::string& key, const Volume& volume);

}  // namespace proa::compose
