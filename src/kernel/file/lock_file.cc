#include "kernel/file/lock_file.h"

#include <sys/file.h>

#include <cerrno>
#include <utility>

#include "kernel/file/file.h"

namespace proa::file {

namespace {

Result<Fd> open_locked(const std::string& path, int operation) {
  Fd fd = TRY(open(path, O_RDWR | O_CREAT, 0600));
  while (::flock(fd.get(), operation) != 0) {
    if (errno != EINTR) return fail_errno("locking '", path, "'");
  }
  return fd;
}

}  // namespace

Result<LockFile> LockFile::wait(const std::string& path) {
  Fd fd = TRY(open_locked(path, LOCK_EX));
  return LockFile(std::move(fd));
}

Result<LockFile> LockFile::wait_shared(const std::string& path) {
  Fd fd = TRY(open_locked(path, LOCK_SH));
  return LockFile(std::move(fd));
}

Result<std::optional<LockFile>> LockFile::try_take(const std::string& path) {
  Fd fd = TRY(open(path, O_RDWR | O_CREAT, 0600));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::optional<LockFile>();
    return fail_errno("locking '", path, "'");
  }
  return std::optional<LockFile>(LockFile(std::move(fd)));
}

}  // namespace proa::file
