#include "kernel/mount/mount.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace proa::mount {

Result<FileSystem> FileSystem::open(const std::string& type) {
  const int number = ::fsopen(type.c_str(), FSOPEN_CLOEXEC);
  if (number >= 0) return FileSystem(Fd(number), type);
  if (errno == ENODEV) {
    return Error(ErrorKind::unsupported, ENODEV, cat("the kernel has no file system '", type, "'"));
  }
  return fail_errno("opening file system '", type, "'");
}

Error FileSystem::explain(const std::string& what) const {
  const int errno_code = errno;
  std::array<char, 512> words = {};
  const ssize_t count = ::read(fd_.get(), words.data(), words.size());
  std::string text = cat("file system '", type_, "': ", what);
  if (count > 0) text += cat(" (", printable({words.data(), static_cast<std::size_t>(count)}), ")");
  return fail_with(errno_code, text);
}

Result<void> FileSystem::set(const std::string& key, const std::string& value) {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) != 0) {
    return explain(cat("setting '", key, "=", value, "'"));
  }
  return {};
}

Result<void> FileSystem::set_flag(const std::string& key) {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0) != 0) {
    return explain(cat("setting '", key, "'"));
  }
  return {};
}

Result<void> FileSystem::set_fd(const std::string& key, FdRef fd) {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_FD, key.c_str(), nullptr, fd.get()) != 0) {
    return explain(cat("setting '", key, "' to a descriptor"));
  }
  return {};
}

Result<DetachedMount> FileSystem::make(std::uint64_t attributes) {
  if (::fsconfig(fd_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return explain("making it");
  }
  const int number = ::fsmount(fd_.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes));
  if (number < 0) return explain("mounting it");
  return DetachedMount(Fd(number));
}

Result<DetachedMount> clone_tree(FdRef directory, const std::string& path, Recursive recursive) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  if (recursive == Recursive::yes) flags |= AT_RECURSIVE;
  if (path.empty()) flags |= AT_EMPTY_PATH;
  const int number = ::open_tree(directory.get(), path.c_str(), flags);
  if (number < 0) return fail_errno("copying the mount at '", path, "'");
  return DetachedMount(Fd(number));
}

Result<void> set_attributes(FdRef mount, const Attributes& attributes, Recursive recursive) {
  mount_attr attr = {};
  attr.attr_set = attributes.set;
  attr.attr_clr = attributes.clear;
  attr.propagation = attributes.propagation;
  if (attributes.user_namespace >= 0) {
    attr.attr_set |= MOUNT_ATTR_IDMAP;
    attr.userns_fd = static_cast<__u64>(attributes.user_namespace);
  }
  const unsigned flags = AT_EMPTY_PATH | (recursive == Recursive::yes ? AT_RECURSIVE : 0u);
  if (::mount_setattr(mount.get(), "", flags, &attr, sizeof attr) != 0) {
    return fail_errno("changing a mount's attributes");
  }
  return {};
}

Result<void> attach(FdRef mount, FdRef target) {
  if (::move_mount(mount.get(), "", target.get(), "",
                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
    return fail_errno("attaching a mount");
  }
  return {};
}

Result<void> attach(FdRef mount, const std::string& target) {
  if (::move_mount(mount.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return fail_errno("attaching a mount on '", target, "'");
  }
  return {};
}

Result<void> set_propagation(const std::string& path, unsigned long propagation) {
  if (::mount(nullptr, path.c_str(), nullptr, propagation, nullptr) != 0) {
    return fail_errno("setting the propagation of '", path, "'");
  }
  return {};
}

Result<std::uint64_t> number_of(const std::string& path) {
  struct statx status = {};
  if (::statx(AT_FDCWD, path.c_str(), 0, STATX_MNT_ID, &status) != 0) {
    return fail_errno("looking at '", path, "'");
  }
  return status.stx_mnt_id;
}

Result<void> unmount(const std::string& path, int flags) {
  if (::umount2(path.c_str(), flags) != 0) return fail_errno("unmounting '", path, "'");
  return {};
}

Result<void> pivot_root(const std::string& new_root, const std::string& old_root) {
  if (::syscall(SYS_pivot_root, new_root.c_str(), old_root.c_str()) != 0) {
    return fail_errno("changing the root to '", new_root, "'");
  }
  return {};
}

}  // namespace proa::mount
