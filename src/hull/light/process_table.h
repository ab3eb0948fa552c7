// What `top` and `stats` say of a container: its processes as the host's /proc shows them, and its
// cgroups' figures in the terms of the protocol.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "base/result.h"
#include "container/limits/stats.h"
#include "hull/light/users.h"
#include "wire/values.h"

namespace proa::hull {

// A row for each process that is still there. Users are named as the workload's own files do,
// through `ids` where it has a user namespace.
std::vector<wire::ProcessRow> process_rows(const std::vector<pid_t>& processes,
                                           const std::optional<wire::IdRange>& ids,
                                           const Accounts& accounts);

// `first` is a process in the workload's network namespace, 0 without one.
wire::Stats to_wire(const container::limits::Stats& stats, pid_t first);

}  // namespace proa::hull
