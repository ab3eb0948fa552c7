#include "hull/heavy/disk.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/rollback.h"
#include "kernel/file/file.h"

namespace proa::hull {
namespace {

// Copies the bytes from `begin` to `end`, sharing them where the file system can.
Result<void> copy_range(FdRef source, FdRef target, off_t begin, off_t end) {
  off_t from = begin;
  off_t to = begin;
  bool share = true;
  while (from < end) {
    const auto rest = static_cast<std::size_t>(end - from);
    const ssize_t count = share ? ::copy_file_range(source.get(), &from, target.get(), &to, rest, 0)
                                : ::sendfile(target.get(), source.get(), &from, rest);
    // Between file systems only the latter does.
    if (count < 0 && share && (errno == EXDEV || errno == EOPNOTSUPP || errno == EINVAL)) {
      share = false;
      if (::lseek(target.get(), from, SEEK_SET) < 0) return fail_errno("placing the disk's data");
      continue;
    }
    if (count <= 0) return fail_errno("copying the disk's template");
  }
  return {};
}

Result<void> copy_data(FdRef source, FdRef target, off_t size) {
  off_t at = 0;
  while (at < size) {
    const off_t begin = ::lseek(source.get(), at, SEEK_DATA);
    if (begin < 0 && errno == ENXIO) return {};
    const off_t end = ::lseek(source.get(), begin, SEEK_HOLE);
    if (begin < 0 || end < 0) return fail_errno("looking for data");
    TRY(copy_range(source, target, begin, end));
    at = end;
  }
  return {};
}

}  // namespace

Result<void> copy_disk(const std::string& source, const std::string& target, std::uint32_t user) {
  if (file::exists(target)) return {};
  const Fd from = TRY(file::open(source, O_RDONLY), "the disk's template");
  const struct stat status = TRY(file::stat(from));
  const std::string temporary = target + ".new";
  const Fd to = TRY(file::open(temporary, O_RDWR | O_CREAT | O_TRUNC, 0600), "the disk");
  Rollback rollback;
  rollback.add([&] { ::unlink(temporary.c_str()); });
  if (::ftruncate(to.get(), status.st_size) != 0) return fail_errno("sizing the disk");
  TRY(copy_data(from, to, status.st_size));
  if (::fchown(to.get(), user, user) != 0) return fail_errno("giving the disk to its machine");
  if (::rename(temporary.c_str(), target.c_str()) != 0) return fail_errno("naming the disk");
  rollback.commit();
  return {};
}

}  // namespace proa::hull
