// Which capabilities a workload gets: docker's default set, and what was added and dropped. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/config.h"

namespace proa::engine {

// Names as the OCI runtime configuration has them: "CAP_CHOWN".
//
// Errors: invalid_argument (an unknown name)
Result<std::vector<std::string>> capabilities_of(const Config& config);

}  // namespace proa::engine
