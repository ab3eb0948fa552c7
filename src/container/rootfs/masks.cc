// The parts of Rootfs that hide paths or make them read-only.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "container/rootfs/rootfs.h"
#include "kernel/file/file.h"

namespace proa::container {
namespace {

bool is_missing(const Error& error) {
  return error.errno_code() == ENOENT || error.errno_code() == ENOTDIR;
}

Result<void> cover(FdRef with, FdRef target, const std::string& path) {
  const mount::DetachedMount copy =
      TRY(mount::clone_tree(with, "", mount::Recursive::no), "masking '", path, "'");
  TRY(mount::attach(copy.fd(), target), "masking '", path, "'");
  return {};
}

}  // namespace

// Spec: CVE-2025-31133: the node that hides files is the host's, and looked at; a device of that
// name in the container could be anything.
Result<void> Rootfs::prepare_masks() {
  if (null_.valid()) return {};
  Fd null = TRY(file::open("/dev/null", O_PATH | O_NOFOLLOW));
  const struct stat status = TRY(file::stat(null));
  if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3)) {
    return fail(ErrorKind::permission, "'/dev/null' is not the null device");
  }
  null_ = std::move(null);
  return {};
}

Result<void> Rootfs::mask(const std::string& path) {
  TRY(prepare_masks());
  const Place place = place_of(clean_path(path));
  Result<Fd> target = file::open_in_root(place.directory, place.path, O_PATH);
  if (!target.ok() && is_missing(target.error())) return {};
  if (!target.ok()) return std::move(target).error().with_context(cat("masking '", path, "'"));
  const struct stat status = TRY(file::stat(target.value()));
  if (!S_ISDIR(status.st_mode)) return cover(null_, target.value(), path);
  if (empty_directory_.valid()) return cover(empty_directory_.fd(), target.value(), path);
  mount::FileSystem empty = TRY(mount::FileSystem::open("tmpfs"));
  TRY(empty.set("nr_blocks", "1"));
  TRY(empty.set("nr_inodes", "1"));
  empty_directory_ =
      TRY(empty.make(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID));
  // The first directory gets the file system itself: before Linux 6.15 only what is attached can
  // be copied.
  TRY(mount::attach(empty_directory_.fd(), target.value()), "masking '", path, "'");
  return {};
}

Result<void> Rootfs::make_readonly(const std::string& path) {
  const Place place = place_of(clean_path(path));
  Result<Fd> target = file::open_in_root(place.directory, place.path, O_PATH);
  if (!target.ok() && is_missing(target.error())) return {};
  if (!target.ok()) return std::move(target).error().with_context(cat("read-only '", path, "'"));
  const mount::DetachedMount copy =
      TRY(mount::clone_tree(target.value(), "", mount::Recursive::yes), "read-only '", path, "'");
  TRY(mount::set_attributes(copy.fd(), {.set = MOUNT_ATTR_RDONLY}, mount::Recursive::no),
      "read-only '", path, "'");
  TRY(mount::attach(copy.fd(), target.value()), "read-only '", path, "'");
  return {};
}

}  // namespace proa::container
