// Mounts by descriptor (the mount API of Linux 5.2 and later): a file system is configured, made
// and given its attributes while nothing can reach it, and attached in one step. Not a parser of
// mount options: those who call know flags.
#pragma once

#include <sys/mount.h>

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace proa::mount {

// A mount, or a tree of mounts, that is attached nowhere: it goes when its owner goes. Once
// attached, the descriptor still names the root of the mount.
// Thread: one owner at a time.
class DetachedMount {
 public:
  DetachedMount() = default;
  explicit DetachedMount(Fd fd) : fd_(std::move(fd)) {}

  FdRef fd() const { return fd_; }
  bool valid() const { return fd_.valid(); }
  Fd release() && { return std::move(fd_); }

 private:
  Fd fd_;
};

enum class Recursive : bool { no, yes };

// What mount_setattr(2) changes. Flags are MOUNT_ATTR_*; `propagation` is 0 (as it is), MS_SHARED,
// MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE.
struct Attributes {
  std::uint64_t set = 0;
  std::uint64_t clear = 0;
  std::uint64_t propagation = 0;
  int user_namespace = -1;  // for an idmapped mount

  bool empty() const { return set == 0 && clear == 0 && propagation == 0 && user_namespace < 0; }
};

// A file system being configured (fsopen). Thread: one owner at a time.
class FileSystem {
 public:
  // Errors: unsupported (the kernel does not know `type`)
  static Result<FileSystem> open(const std::string& type);
  // One option as mount(8) takes it: "key", "key=value"; the value may not hold a comma.
  Result<void> set(const std::string& key, const std::string& value);
  Result<void> set_flag(const std::string& key);
  Result<void> set_fd(const std::string& key, FdRef fd);
  // Makes it, and a mount of it with `attributes` (MOUNT_ATTR_*, not recursive).
  Result<DetachedMount> make(std::uint64_t attributes);

 private:
  explicit FileSystem(Fd fd, std::string type) : fd_(std::move(fd)), type_(std::move(type)) {}
  // The kernel's own words on the last failure, as it left them in the context.
  Error explain(const std::string& what) const;

  Fd fd_;
  std::string type_;
};

// Copies the mount at `path` in `directory`, with all below it where recursive: a bind mount that
// is not attached yet. An empty path means `directory` itself. A link at the end is followed.
Result<DetachedMount> clone_tree(FdRef directory, const std::string& path, Recursive recursive);

Result<void> set_attributes(FdRef mount, const Attributes& attributes, Recursive recursive);

// Attaches `mount` on `target`, an O_PATH descriptor.
Result<void> attach(FdRef mount, FdRef target);
// Attaches on a path that the caller trusts.
Result<void> attach(FdRef mount, const std::string& target);

// Sets the propagation (MS_SHARED, ...; with MS_REC for all below) of the mount at `path`.
Result<void> set_propagation(const std::string& path, unsigned long propagation);
Result<void> unmount(const std::string& path, int flags);
// The number of the topmost mount at `path`; numbers are used again once a mount is gone.
Result<std::uint64_t> number_of(const std::string& path);
Result<void> pivot_root(const std::string& new_root, const std::string& old_root);

}  // namespace proa::mount
