#include "kernel/file/lock_file.h"

#include <sys/file.h>

#include <cerrno>
#include <thread>
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

Result<bool> try_flock(FdRef file, int operation) {
  if (::flock(file.get(), operation | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return fail_errno("locking a file");
}

}  // namespace

Result<bool> try_lock(FdRef file) { return try_flock(file, LOCK_EX); }

Result<bool> is_locked(FdRef file) {
  const bool free = TRY(try_flock(file, LOCK_SH));
  if (free) ::flock(file.get(), LOCK_UN);
  return !free;
}

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

Result<std::optional<LockFile>> LockFile::take_within(const std::string& path,
                                                      std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kLook{5};
  for (const auto deadline = std::chrono::steady_clock::now() + patience;;) {
    std::optional<LockFile> lock = TRY(try_take(path));
    if (lock || std::chrono::steady_clock::now() > deadline) return lock;
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace proa::file
