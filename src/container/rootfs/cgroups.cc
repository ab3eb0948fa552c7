// The part of Rootfs that shows a container its cgroups.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "container/rootfs/rootfs.h"
#include "container/rootfs/target.h"
#include "kernel/file/file.h"

namespace proa::container {
namespace {

using mount::DetachedMount;
using mount::FileSystem;
using mount::Recursive;

// With a cgroup namespace a new mount shows the container's cgroup as its root; without one, the
// cgroup's directory is bound.
Result<DetachedMount> make_view(const CgroupView& view, bool own_namespace,
                                std::uint64_t attributes) {
  if (!own_namespace) {
    DetachedMount bound = TRY(mount::clone_tree(FdRef::cwd(), view.directory, Recursive::yes));
    TRY(mount::set_attributes(bound.fd(), {.set = attributes, .propagation = MS_PRIVATE},
                              Recursive::yes));
    return bound;
  }
  FileSystem file_system = TRY(FileSystem::open(view.type));
  TRY(file_system.set("source", "cgroup"));
  if (!view.mount_options.empty()) {
    for (const std::string_view option : split(view.mount_options, ',')) {
      const auto [key, value] = split_once(option, '=');
      if (value.empty()) {
        TRY(file_system.set_flag(std::string(key)));
      } else {
        TRY(file_system.set(std::string(key), std::string(value)));
      }
    }
  }
  return file_system.make(attributes);
}

}  // namespace

Result<void> Rootfs::mount_cgroups(const MountPlan& plan, const std::vector<CgroupView>& views,
                                   bool own_namespace) {
  const Place place = place_of(plan.destination);
  const Fd target =
      TRY(open_target(place.directory, place.path, TargetKind::directory, Links::follow));
  const std::uint64_t attributes = plan.attributes.set;
  const bool unified_only = plan.type == "cgroup2" || (views.size() == 1 && views[0].name.empty());
  if (unified_only) {
    for (const CgroupView& view : views) {
      if (view.type != "cgroup2") continue;
      const DetachedMount made = TRY(make_view(view, own_namespace, attributes));
      return mount::attach(made.fd(), target);
    }
    return fail(ErrorKind::unsupported, "this host has no cgroup2");
  }
  FileSystem tmpfs = TRY(FileSystem::open("tmpfs"));
  TRY(tmpfs.set("mode", "755"));
  const DetachedMount top = TRY(tmpfs.make(attributes & ~std::uint64_t{MOUNT_ATTR_RDONLY}));
  TRY(mount::attach(top.fd(), target));
  for (const CgroupView& view : views) {
    const std::string name = view.name.empty() ? "unified" : view.name;
    TRY(file::make_directory(top.fd(), name, 0755));
    const DetachedMount made = TRY(make_view(view, own_namespace, attributes), "'", name, "'");
    const Fd directory = TRY(file::open_at(top.fd(), name, O_PATH));
    TRY(mount::attach(made.fd(), directory), "'", name, "'");
    // "cpu,cpuacct" is also found by each of its names.
    if (name.find(',') == std::string::npos) continue;
    for (const std::string_view part : split(name, ',')) {
      if (::symlinkat(name.c_str(), top.fd().get(), std::string(part).c_str()) != 0) {
        return fail_errno("link '", part, "'");
      }
    }
  }
  if ((attributes & MOUNT_ATTR_RDONLY) == 0) return {};
  return mount::set_attributes(top.fd(), {.set = MOUNT_ATTR_RDONLY}, Recursive::no);
}

}  // namespace proa::container
