// What proa-vmm gives up before a guest's first instruction: the host's files, network and other
// processes, and its privileges. filter.h has the system calls.
#pragma once

#include <sys/types.h>

#include "base/result.h"

namespace proa::apps::vmm {

struct Identity {
  uid_t user = 65534;
  gid_t group = 65534;
};

// Moves the process into namespaces of its own (mount, network, IPC, UTS, cgroup) with an empty
// read-only root, and drops to `identity` without capabilities. Without root it does so in a user
// namespace of its own. Single-threaded.
Result<void> leave_host(const Identity& identity);

}  // namespace proa::apps::vmm
