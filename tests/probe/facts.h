// Collects what a process can see of its own surroundings.
#pragma once

#include "base/json.h"

namespace proa::probe {

// uid, gid, groups, umask, capabilities, noNewPrivileges, seccomp, rlimits, oomScoreAdj,
// personality, affinity, cwd, args, env, hostname, domainname, pid, sid.
json::Value process_facts();
// mounts, namespaces, cgroups, fds, terminal.
json::Value surroundings();

}  // namespace proa::probe
