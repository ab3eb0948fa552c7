// The worker jails itself before it reads a foreign byte: what it was given as descriptors is all
// it can reach, but for the network where its role needs that.
#pragma once

#include "base/result.h"
#include "image/worker/worker.h"

namespace proa::worker {

// Leaves the host's file system for an empty one (in it, for `fetch`, copies of the resolver's
// files), the host's network (but for `fetch`), all privileges and the user.
//
// Errors: permission (no user namespaces for who is not root): the worker does not run then
// Thread: before any other thread.
Result<void> enter_jail(image::WorkerRole role);

}  // namespace proa::worker
