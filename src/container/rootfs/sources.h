// What a container's mounts come from: copies of the host's mounts, opened and given their
// attributes before anything of the container exists. Detached: they vanish with their owner.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "container/plan/plan.h"
#include "kernel/mount/mount.h"

namespace proa::container {

// The copy that a bind mount attaches.
struct BindSource {
  mount::DetachedMount tree;
  bool is_directory = false;
  std::string link;  // where the source is a link to be copied as one: what it says
};

// Owner: whoever makes the container. Thread: one at a time.
struct Sources {
  mount::DetachedMount root;
  std::vector<std::optional<BindSource>> binds;  // one for each of the plan's mounts
};

// Opens all sources in the mount namespace of the caller. `root` stands in for the plan's root
// where given; `user_namespace` is the container's, for idmapped mounts.
//
// Errors: not_found, permission (a user without privilege does this inside the namespaces)
Result<Sources> open_sources(const Plan& plan, mount::DetachedMount root,
                             std::optional<FdRef> user_namespace);

}  // namespace proa::container
