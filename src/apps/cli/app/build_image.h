// Builds the image of a service on the engine, and shows how it goes.
#pragma once

#include <string>

#include "apps/cli/call.h"
#include "base/result.h"
#include "compose/model/project.h"

namespace proa::cli {

// Errors: what the build says (file, line, the failed step's exit code)
Result<void> build_image(Call& call, const compose::Project& project,
                         const compose::Service& service, const std::string& image);

}  // namespace proa::cli
