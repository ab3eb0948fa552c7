// The root of a container that has no mount namespace of its own: it and the container's mounts lie
// in the host's, over the directory that the bundle names, and do not go by themselves.
#pragma once

#include "apps/oci/state_store.h"
#include "base/result.h"
#include "container/plan/plan.h"

namespace proa::oci_app {

// Notes in the container's directory what lies at its root before anything is mounted; nothing
// where the container has a mount namespace.
Result<void> note_shared_root(FdRef directory, const container::Plan& plan);

// Takes away what was mounted there since.
Result<void> clear_shared_root(FdRef directory);

}  // namespace proa::oci_app
