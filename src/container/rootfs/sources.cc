#include "container/rootfs/sources.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "kernel/file/file.h"

namespace proa::container {
namespace {

using mount::Attributes;
using mount::DetachedMount;
using mount::Recursive;

Result<void> map_ids(FdRef tree, const MountPlan& plan, std::optional<FdRef> user_namespace) {
  Attributes attributes;
  if (plan.id_map == IdMap::own) {
    const Fd own = TRY(ns::make_user_namespace(plan.uids, plan.gids));
    attributes.user_namespace = own.get();
    return mount::set_attributes(tree, attributes, plan.id_map_depth);
  }
  if (!user_namespace) {
    return fail(ErrorKind::invalid_argument, "option 'idmap' without a user namespace");
  }
  attributes.user_namespace = user_namespace->get();
  return mount::set_attributes(tree, attributes, plan.id_map_depth);
}

// Puts attributes and propagation on a copy, in one call where their depths agree.
Result<void> apply_attributes(FdRef tree, const MountPlan& plan) {
  // A copy of a shared mount is its peer, and what the container mounts on it would show on the
  // host: it only follows, unless the mount asks for something else.
  Attributes all = plan.recursive_attributes;
  all.propagation = plan.propagation != 0 ? plan.propagation : std::uint64_t{MS_SLAVE};
  const bool deep = plan.depth == Recursive::yes;
  const Recursive propagation_depth =
      plan.propagation == 0 ? Recursive::yes : plan.propagation_depth;
  if (!deep) {
    all.set |= plan.attributes.set;
    all.clear |= plan.attributes.clear & ~plan.recursive_attributes.set;
    return mount::set_attributes(tree, all, Recursive::no);
  }
  if (!plan.attributes.empty()) {
    TRY(mount::set_attributes(tree, plan.attributes, Recursive::no));
  }
  if (propagation_depth == Recursive::no) {
    TRY(mount::set_attributes(tree, {.propagation = all.propagation}, Recursive::no));
    all.propagation = 0;
  }
  if (all.empty()) return {};
  return mount::set_attributes(tree, all, Recursive::yes);
}

}  // namespace

Result<BindSource> open_bind(const MountPlan& plan, std::optional<FdRef> user_namespace) {
  BindSource source;
  if (plan.source_is_link) {
    Result<std::string> link = file::read_link_at(FdRef::cwd(), plan.source);
    if (link.ok()) {
      source.link = link.take();
      return source;
    }
  }
  source.tree = TRY(mount::clone_tree(FdRef::cwd(), plan.source, plan.depth));
  const struct stat status = TRY(file::stat(source.tree.fd()));
  source.is_directory = S_ISDIR(status.st_mode);
  if (plan.id_map != IdMap::none) TRY(map_ids(source.tree.fd(), plan, user_namespace));
  TRY(apply_attributes(source.tree.fd(), plan));
  return source;
}

Result<Sources> open_sources(const Plan& plan, DetachedMount root,
                             std::optional<FdRef> user_namespace, OpenBinds which) {
  Sources sources;
  sources.root = std::move(root);
  if (!sources.root.valid()) {
    sources.root =
        TRY(mount::clone_tree(FdRef::cwd(), plan.root, Recursive::yes), "root '", plan.root, "'");
  }
  Attributes attributes;
  attributes.propagation = (plan.root_propagation & MS_PRIVATE) != 0 ? std::uint64_t{MS_PRIVATE}
                                                                     : std::uint64_t{MS_SLAVE};
  TRY(mount::set_attributes(sources.root.fd(), attributes, Recursive::yes), "root");
  sources.binds.reserve(plan.mounts.size());
  for (const MountPlan& mount : plan.mounts) {
    std::optional<BindSource> source;
    const bool shared = (mount.propagation & plan.root_propagation & MS_SHARED) != 0;
    if (mount.kind == MountKind::bind && (shared || which == OpenBinds::all)) {
      source = TRY(open_bind(mount, user_namespace), "mounting '", mount.source, "' on '",
                   mount.destination, "'");
    }
    sources.binds.push_back(std::move(source));
  }
  return sources;
}

}  // namespace proa::container
