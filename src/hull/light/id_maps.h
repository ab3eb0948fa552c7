// Whether what lies at a path can be shown with other ids: the engine asks before it gives a
// workload a user namespace of its own.
#pragma once

#include <string>

#include "base/result.h"

namespace proa::hull {

// Tries it, with all that is mounted below the path. What is not there can (it will be made).
Result<bool> can_map_ids(const std::string& path);

}  // namespace proa::hull
