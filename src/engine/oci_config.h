// The OCI runtime configuration of a workload, as its Spec carries it to the hull.
#pragma once

#include "base/json.h"
#include "engine/engine.h"

namespace proa::engine {

// Looks at nothing of the host but the numbers of the devices that are asked for.
//
// Errors: invalid_argument (names the field), not_found (a device), unsupported
Result<json::Value> oci_config(const Workload& workload, const Options& options);

}  // namespace proa::engine
