#include "container/rootfs/rootfs.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "container/rootfs/copy_up.h"
#include "container/rootfs/target.h"
#include "kernel/file/file.h"

namespace proa::container {
namespace {

using mount::DetachedMount;
using mount::FileSystem;
using mount::Recursive;

// File systems of the kernel that nobody but this program has put anything into yet.
bool is_trusted(const MountPlan& plan) {
  constexpr std::array<std::string_view, 5> kTypes = {"proc", "sysfs", "tmpfs", "devpts", "mqueue"};
  return !plan.copy_up && std::ranges::find(kTypes, plan.type) != kTypes.end();
}

bool has_option(const MountPlan& plan, std::string_view key) {
  return std::ranges::any_of(plan.options, [&](const auto& option) { return option.first == key; });
}

std::string octal(mode_t mode) {
  std::string text;
  for (int shift = 9; shift >= 0; shift -= 3) text += static_cast<char>('0' + (mode >> shift & 7));
  return text;
}

}  // namespace

Result<Rootfs> Rootfs::attach(const DetachedMount& root, const std::string& place) {
  TRY(mount::attach(root.fd(), place), "root");
  return Rootfs(root.fd().get());
}

Rootfs::Place Rootfs::place_of(const std::string& path) const {
  const Mounted* best = nullptr;
  for (const Mounted& mounted : mounted_) {
    const std::string& place = mounted.destination;
    if (path.starts_with(place) && (path.size() == place.size() || path[place.size()] == '/') &&
        (best == nullptr || place.size() >= best->destination.size())) {
      best = &mounted;
    }
  }
  if (best == nullptr) return {FdRef(root_), path};
  const std::string rest = path.substr(best->destination.size());
  return {best->root, rest.empty() ? "." : rest};
}

Result<void> Rootfs::mount(const MountPlan& plan, const BindSource* source) {
  if (source != nullptr) {
    TRY(mount_bind(plan, *source), "mounting '", plan.source, "' on '", plan.destination, "'");
  } else {
    TRY(mount_new(plan), "mounting '", plan.type, "' on '", plan.destination, "'");
  }
  return {};
}

Result<void> Rootfs::mount_bind(const MountPlan& plan, const BindSource& source) {
  if (!source.tree.valid()) {
    const Place parent = place_of(parent_of(plan.destination));
    const Fd directory =
        TRY(open_target(parent.directory, parent.path, TargetKind::directory, Links::follow));
    if (::symlinkat(source.link.c_str(), directory.get(), base_of(plan.destination).c_str()) != 0 &&
        errno != EEXIST) {
      return fail_errno("making the link");
    }
    return {};
  }
  const Place place = place_of(plan.destination);
  const Fd target = TRY(open_target(place.directory, place.path,
                                    source.is_directory ? TargetKind::directory : TargetKind::file,
                                    Links::follow));
  return mount::attach(source.tree.fd(), target);
}

Result<DetachedMount> Rootfs::make_file_system(const MountPlan& plan, FdRef target) {
  FileSystem file_system = TRY(FileSystem::open(plan.type));
  if (!plan.source.empty()) TRY(file_system.set("source", plan.source));
  for (const auto& [key, value] : plan.options) {
    if (value.empty()) {
      TRY(file_system.set_flag(key));
    } else {
      TRY(file_system.set(key, value));
    }
  }
  if (plan.type == "tmpfs" && !has_option(plan, "mode")) {
    const struct stat status = TRY(file::stat(target));
    TRY(file_system.set("mode", octal(status.st_mode & 07777)));
  }
  // What is copied up has to be written first.
  std::uint64_t attributes = plan.attributes.set | plan.recursive_attributes.set;
  if (plan.copy_up) attributes &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
  const bool device = plan.source.starts_with('/');
  if (device && (attributes & MOUNT_ATTR_RDONLY) != 0) TRY(file_system.set_flag("ro"));
  return file_system.make(attributes);
}

Result<void> Rootfs::mount_new(const MountPlan& plan) {
  const Place place = place_of(plan.destination);
  // A link in the place of these would show the host's view of them as something else.
  const bool exact = plan.type == "proc" || plan.type == "sysfs";
  const Fd target = TRY(open_target(place.directory, place.path, TargetKind::directory,
                                    exact ? Links::refuse : Links::follow));
  DetachedMount made = TRY(make_file_system(plan, target));
  if (plan.copy_up) TRY(copy_up(target, made.fd()));
  if (plan.copy_up && (plan.attributes.set & MOUNT_ATTR_RDONLY) != 0) {
    TRY(mount::set_attributes(made.fd(), {.set = MOUNT_ATTR_RDONLY}, Recursive::no));
  }
  if (plan.propagation != 0) {
    TRY(mount::set_attributes(made.fd(), {.propagation = plan.propagation}, Recursive::no));
  }
  TRY(mount::attach(made.fd(), target));
  if (is_trusted(plan)) {
    mounted_.push_back({plan.destination, plan.type, std::move(made).release()});
  }
  return {};
}

Result<Fd> Rootfs::open_proc(const std::string& path, int flags) {
  for (const Mounted& mounted : mounted_) {
    if (mounted.type == "proc") return file::open_in_root_no_links(mounted.root, path, flags);
  }
  if (!spare_proc_.valid()) {
    FileSystem proc = TRY(FileSystem::open("proc"));
    spare_proc_ = TRY(proc.make(0));
  }
  return file::open_in_root_no_links(spare_proc_.fd(), path, flags);
}

Result<void> Rootfs::set_sysctl(const std::string& key, const std::string& value) {
  std::string path = key;
  if (path.find('/') == std::string::npos) std::ranges::replace(path, '.', '/');
  const Fd file = TRY(open_proc("sys/" + path, O_WRONLY), "sysctl '", printable(key), "'");
  TRY(file::write_all(file, bytes_of(value)), "sysctl '", printable(key), "'");
  return {};
}

Result<void> Rootfs::make_working_directory(const std::string& path) {
  const Place place = place_of(clean_path(path));
  TRY(open_target(place.directory, place.path, TargetKind::directory, Links::follow));
  return {};
}

Result<void> Rootfs::make_root_readonly() {
  return mount::set_attributes(FdRef(root_), {.set = MOUNT_ATTR_RDONLY}, Recursive::no);
}

Result<void> Rootfs::enter(RootChange change, const Plan& plan) {
  if (::fchdir(root_) != 0) return fail_errno("entering the root");
  if (change == RootChange::pivot) {
    TRY(mount::pivot_root(".", "."));
    TRY(mount::unmount(".", MNT_DETACH));
  } else if (::chroot(".") != 0) {
    return fail_errno("changing the root");
  }
  if (::chdir("/") != 0) return fail_errno("entering the root");
  if ((plan.root_propagation & MS_SHARED) != 0 || (plan.root_propagation & MS_UNBINDABLE) != 0) {
    TRY(mount::set_propagation("/", plan.root_propagation));
  }
  return {};
}

}  // namespace proa::container
