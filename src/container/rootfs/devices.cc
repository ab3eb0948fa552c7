// The parts of Rootfs that fill /dev.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "container/rootfs/rootfs.h"
#include "container/rootfs/target.h"
#include "kernel/file/file.h"

namespace proa::container {
namespace {

mode_t type_bits(char type) {
  if (type == 'b') return S_IFBLK;
  return type == 'p' ? S_IFIFO : S_IFCHR;
}

// What is there already has to be the device, not something that only has its name.
Result<void> check_device(FdRef parent, const std::string& name, mode_t type, dev_t number) {
  const struct stat status = TRY(file::stat_at(parent, name));
  if ((status.st_mode & S_IFMT) != type || (type != S_IFIFO && status.st_rdev != number)) {
    return fail(ErrorKind::already_exists, "something else is there");
  }
  return {};
}

}  // namespace

Result<void> Rootfs::bind_device(const std::string& source, FdRef parent, const std::string& name) {
  mount::DetachedMount device = TRY(mount::clone_tree(FdRef::cwd(), source, mount::Recursive::no));
  const Fd target = TRY(open_target(parent, name, TargetKind::file, Links::refuse));
  return mount::attach(device.fd(), target);
}

Result<void> Rootfs::make_device(const oci::runtime::Device& device) {
  const Place place = place_of(parent_of(device.path));
  const Fd parent =
      TRY(open_target(place.directory, place.path, TargetKind::directory, Links::follow));
  const std::string name = base_of(device.path);
  const mode_t type = type_bits(device.type);
  const dev_t number = makedev(device.major, device.minor);
  if (::mknodat(parent.get(), name.c_str(), type | device.file_mode.value_or(0666), number) != 0) {
    if (errno == EEXIST) return check_device(parent, name, type, number);
    // In a user namespace nobody makes devices: the host's own is shown.
    if (errno == EPERM && type != S_IFIFO) return bind_device(device.path, parent, name);
    return fail_errno("making it");
  }
  if (device.uid.value_or(0) == 0 && device.gid.value_or(0) == 0) return {};
  if (::fchownat(parent.get(), name.c_str(), device.uid.value_or(0), device.gid.value_or(0),
                 AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno("giving it its owner");
  }
  return {};
}

Result<void> Rootfs::make_devices(const Plan& plan) {
  if (!plan.make_devices) return {};
  for (const auto& device : plan.devices) {
    TRY(make_device(device), "device '", device.path, "'");
  }
  const Place place = place_of("/dev");
  const Fd dev =
      TRY(open_target(place.directory, place.path, TargetKind::directory, Links::follow));
  constexpr std::pair<const char*, const char*> kLinks[] = {
      {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
      {"/proc/self/fd/2", "stderr"}, {"/proc/kcore", "core"},      {"pts/ptmx", "ptmx"},
  };
  for (const auto& [says, name] : kLinks) {
    if (::symlinkat(says, dev.get(), name) == 0 || errno == EEXIST) continue;
    return fail_errno("making link '/dev/", name, "'");
  }
  return {};
}

Result<process::Terminal> Rootfs::open_terminal(const Plan& plan) {
  const Place pts = place_of("/dev/pts");
  const Fd devpts = TRY(file::open_in_root(pts.directory, pts.path, O_PATH | O_DIRECTORY));
  process::Terminal terminal = TRY(process::open_terminal(devpts));
  if (plan.make_devices) {
    const mount::DetachedMount console =
        TRY(mount::clone_tree(terminal.slave, "", mount::Recursive::no), "console");
    const Place place = place_of("/dev/console");
    const Fd target =
        TRY(open_target(place.directory, place.path, TargetKind::file, Links::refuse), "console");
    TRY(mount::attach(console.fd(), target), "console");
  }
  return terminal;
}

}  // namespace proa::container
