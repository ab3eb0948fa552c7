#include "container/rootfs/copy_up.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "kernel/file/file.h"

namespace proa::container {
namespace {

constexpr int kMaxDepth = 64;

Result<void> copy_tree(FdRef from, FdRef to, int depth);

Result<void> copy_file(FdRef from, FdRef to, const std::string& name) {
  const Fd source = TRY(file::open_at(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  const Fd copy = TRY(file::open_at(to, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0600));
  while (true) {
    const ssize_t count = ::sendfile(copy.get(), source.get(), nullptr, std::size_t{1} << 20);
    if (count < 0) return fail_errno("copying");
    if (count == 0) return {};
  }
}

Result<void> copy_link(FdRef from, FdRef to, const std::string& name) {
  const std::string says = TRY(file::read_link_at(from, name));
  if (::symlinkat(says.c_str(), to.get(), name.c_str()) != 0) return fail_errno("making a link");
  return {};
}

Result<void> copy_directory(FdRef from, FdRef to, const std::string& name, int depth) {
  const Fd source = TRY(file::open_at(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  TRY(file::make_directory(to, name, 0700));
  const Fd copy = TRY(file::open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return copy_tree(source, copy, depth + 1);
}

Result<void> copy_entry(FdRef from, FdRef to, const std::string& name, int depth) {
  const struct stat status = TRY(file::stat_at(from, name));
  if (S_ISREG(status.st_mode)) {
    TRY(copy_file(from, to, name));
  } else if (S_ISDIR(status.st_mode)) {
    TRY(copy_directory(from, to, name, depth));
  } else if (S_ISLNK(status.st_mode)) {
    TRY(copy_link(from, to, name));
  } else {
    return {};
  }
  const char* path = name.c_str();
  if (::fchownat(to.get(), path, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno("giving the owner");
  }
  if (!S_ISLNK(status.st_mode) && ::fchmodat(to.get(), path, status.st_mode & 07777, 0) != 0) {
    return fail_errno("giving the mode");
  }
  const timespec times[2] = {status.st_atim, status.st_mtim};
  if (::utimensat(to.get(), path, times, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno("giving the time");
  }
  return {};
}

Result<void> copy_tree(FdRef from, FdRef to, int depth) {
  if (depth > kMaxDepth) return fail(ErrorKind::exhausted, "nested too deeply");
  const std::vector<std::string> names = TRY(file::list(from));
  for (const std::string& name : names) {
    TRY(copy_entry(from, to, name, depth), "copying '", printable(name), "'");
  }
  return {};
}

}  // namespace

Result<void> copy_up(FdRef from, FdRef to) {
  // `from` may be an O_PATH descriptor, which cannot be read.
  const Fd source = TRY(file::open_at(from, ".", O_RDONLY | O_DIRECTORY));
  return copy_tree(source, to, 0);
}

}  // namespace proa::container
