#include "engine/host_devices.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>

#include "kernel/file/file.h"

namespace proa::engine {
namespace {

constexpr int kMaxDepth = 8;
constexpr std::array<std::string_view, 9> kOwn = {"pts",  "shm",         "mqueue", "fd",  "console",
                                                  ".lxc", ".lxd-mounts", ".udev",  "ptmx"};

bool is_device(mode_t mode) { return S_ISCHR(mode) || S_ISBLK(mode); }

HostDevice device_of(const struct stat& status, std::string path, std::string access) {
  return {.path = std::move(path),
          .type = S_ISBLK(status.st_mode) ? 'b' : 'c',
          .major = major(status.st_rdev),
          .minor = minor(status.st_rdev),
          .mode = status.st_mode & 07777,
          .uid = status.st_uid,
          .gid = status.st_gid,
          .access = std::move(access)};
}

Result<void> add_below(FdRef directory, const std::string& path, const std::string& access,
                       bool skips_own, int depth, std::vector<HostDevice>& devices) {
  if (depth > kMaxDepth) return {};
  for (const std::string& name : TRY(file::list(directory), path)) {
    if (skips_own && std::ranges::find(kOwn, name) != kOwn.end()) continue;
    const Result<struct stat> looked = file::stat_at(directory, name);
    if (!looked.ok()) continue;  // gone since
    const std::string inside = cat(path, "/", name);
    if (is_device(looked.value().st_mode)) {
      devices.push_back(device_of(looked.value(), inside, access));
    } else if (S_ISDIR(looked.value().st_mode)) {
      const Fd below = TRY(file::open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      TRY(add_below(below, inside, access, skips_own, depth + 1, devices));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<HostDevice>> asked_devices(const Config& config) {
  std::vector<HostDevice> devices;
  for (const Device& asked : config.devices) {
    const std::string inside = asked.path.empty() ? asked.host_path : asked.path;
    const std::string access = asked.permissions.empty() ? "rwm" : asked.permissions;
    // A link to a device stands for it.
    const Result<Fd> opened = file::open(asked.host_path, O_PATH);
    if (!opened.ok()) {
      return fail(ErrorKind::invalid_argument, "error gathering device information while adding ",
                  "custom device \"", printable(asked.host_path), "\": no such file or directory");
    }
    const struct stat status = TRY(file::stat(opened.value()));
    if (is_device(status.st_mode)) {
      devices.push_back(device_of(status, inside, access));
    } else if (S_ISDIR(status.st_mode)) {
      const Fd directory = TRY(file::open(asked.host_path, O_RDONLY | O_DIRECTORY));
      TRY(add_below(directory, inside, access, false, 0, devices));
    } else {
      return fail(ErrorKind::invalid_argument, "error gathering device information while adding ",
                  "custom device \"", printable(asked.host_path), "\": not a device node");
    }
  }
  return devices;
}

Result<std::vector<HostDevice>> all_devices() {
  std::vector<HostDevice> devices;
  const Fd directory = TRY(file::open("/dev", O_RDONLY | O_DIRECTORY));
  TRY(add_below(directory, "/dev", "rwm", true, 0, devices));
  return devices;
}

}  // namespace proa::engine
