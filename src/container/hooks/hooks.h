// Runs the programs that a configuration wants to have called at moments of a container's life.
//
// Spec: OCI runtime specification 1.3, config.md, "POSIX-platform Hooks"
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "oci/runtime/spec.h"

namespace proa::container {

// Runs each in turn with `state` (JSON) on its standard input; stops at the first that fails.
//
// Errors: those of starting it; timeout; internal (it ended with another code than 0)
Result<void> run_hooks(const std::vector<oci::runtime::Hook>& hooks, const std::string& state);

}  // namespace proa::container
