// An image's "config" out of JSON, for those who change one.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "oci/image/config.h"

namespace proa::oci::image {

// Errors: invalid_argument (names the place)
Result<RunDefaults> parse_run(const json::Reader& reader);

}  // namespace proa::oci::image
