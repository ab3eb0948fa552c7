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
  // One for each of the plan's mounts, where they were opened.
  std::vector<std::optional<BindSource>> binds;
};

// The kernel lists mounts in the order in which they were made, so a bind is best opened when it is
// mounted. What is mounted on a shared one shows on the host only if it comes from the host's mount
// namespace; as in runc, that is asked for by a shared rootfsPropagation.
enum class OpenBinds : bool { all, shared };

// Opens all sources in the mount namespace of the caller. `root` stands in for the plan's root
// where given; `user_namespace` is the container's, for idmapped mounts.
//
// Errors: not_found, permission (a user without privilege does this inside the namespaces)
Result<Sources> open_sources(const Plan& plan, mount::DetachedMount root,
                             std::optional<FdRef> user_namespace, OpenBinds which = OpenBinds::all);
// Opens one bind.
Result<BindSource> open_bind(const MountPlan& plan, std::optional<FdRef> user_namespace);

}  // namespace proa::container
