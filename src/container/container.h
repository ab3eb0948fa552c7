// Making containers: a plan carried out, up to the first process that waits to be started or
// becomes the program at once. What it makes outlives the caller; whoever created it keeps the
// record and removes the cgroups in the end.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "container/init/init.h"
#include "container/limits/cgroup_set.h"
#include "container/plan/plan.h"
#include "kernel/mount/mount.h"

namespace proa::container {

struct CreateOptions {
  // A mount that stands in for the plan's root directory: an overlay of layers, say.
  mount::DetachedMount root;
  // The container's user namespace where it is there already, for the ids of idmapped mounts.
  std::optional<FdRef> user_namespace;
  // Listening socket on which the first process waits for its start; without one it starts at once.
  std::optional<FdRef> gate;
  std::optional<FdRef> console_socket;
  std::optional<FdRef> standard_input, standard_output, standard_error;  // ours where absent
  RootChange root_change = RootChange::pivot;
  Keyring keyring = Keyring::join_new;
  limits::Hierarchies hierarchies = limits::Hierarchies::all;
  Protection protection = Protection::launcher;
  std::string filter_cache;  // directory of compiled seccomp filters; "" for none
  int preserved = 0;         // descriptors from 3 that the program keeps
  // Ours that the program gets as 3, 4, ...; in place of `preserved`.
  std::vector<FdRef> passed;
  // Called with the first process's number once its mounts are made and before it goes on: for
  // hooks; without any it need not be given, and nobody waits. Gives the state (JSON) that the
  // container's own hooks are to get.
  std::function<Result<std::string>(pid_t pid)> on_mounted;
};

struct Created {
  pid_t pid = 0;
  Fd pidfd;
  limits::Record cgroups;
  std::vector<std::string> warnings;
};

// What a plan needs. The launcher serves where nobody inside can see the first process before it
// has become its program, and where the container's own rules let the launcher do its work;
// otherwise the caller's program has to be protected (launcher.h).
Protection protection_for(const Plan& plan);

// Creates a container. On an error nothing of it is left.
//
// Errors: what keeps a step from being done, named after what asked for it
// Thread: the process has one thread
Result<Created> create(const Plan& plan, CreateOptions options);

// Starts the process that waits behind the gate at `directory`/`name`, and returns once it has
// become its program.
//
// Errors: not_found and permission (the program), busy (it is not waiting), and what a hook says
Result<std::vector<std::string>> start(FdRef directory, const std::string& name);

}  // namespace proa::container
