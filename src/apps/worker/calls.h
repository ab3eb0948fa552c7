// The system calls a worker has no use for, and which would help whoever took it over.
#pragma once

#include "base/result.h"

namespace proa::worker {

// From here on those calls end the process: starting programs and processes (threads may be made),
// namespaces, mounts, tracing, keys, BPF, modules, and calls of another architecture.
// Thread: before any other thread; needs no_new_privs.
Result<void> restrict_calls();

}  // namespace proa::worker
