// Changes to an image's configuration as commit and import take them: lines of a Dockerfile. Pure.
#pragma once

#include <string>

#include "base/result.h"
#include "oci/image/config.h"

namespace proa::build {

// Carries out `lines`; those that would do more than change the configuration are refused.
//
// Errors: invalid_argument with the place, exhausted
Result<void> apply_changes(const std::string& lines, oci::image::RunDefaults& run);

}  // namespace proa::build
