#include "hull/light/id_maps.h"

#include "kernel/mount/mount.h"
#include "kernel/namespace/namespace.h"

namespace proa::hull {

Result<bool> can_map_ids(const std::string& path) {
  const Result<mount::DetachedMount> copy =
      mount::clone_tree(FdRef::cwd(), path, mount::Recursive::yes);
  if (!copy.ok()) {
    if (copy.error().kind() == ErrorKind::not_found) return true;
    return copy.error();
  }
  const Fd ids = TRY(ns::make_user_namespace({{0, 1, 1}}, {{0, 1, 1}}));
  return mount::set_attributes(copy.value().fd(), {.user_namespace = ids.get()},
                               mount::Recursive::yes)
      .ok();
}

}  // namespace proa::hull
