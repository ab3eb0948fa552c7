// The files that the engine keeps for a container: /etc/hosts, /etc/hostname, /etc/resolv.conf, and
// the shared memory of an ipc namespace that several use.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"

namespace proa::engine {

// What the files say, from the configuration and the workload's place on its networks. Pure.
std::string hosts_text(const Workload& workload);
// `host` is the text of the host's own file, for a workload whose networks have no name server.
std::string resolver_text(const Workload& workload, std::string_view host);
std::string host_name_of(const Workload& workload);

// Writes them into the workload's directory, before a shim starts.
Result<void> write_managed_files(const Workload& workload, const Options& options);
// How they show up inside. What the user mounts in the same place wins.
std::vector<wire::Share> managed_shares(const Workload& workload, const Options& options);

}  // namespace proa::engine
