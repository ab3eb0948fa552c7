#include "kernel/file/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/id.h"

namespace proa::file {
namespace {

Result<Fd> open_resolved(FdRef directory, const std::string& path, int flags, mode_t mode,
                         std::uint64_t resolve) {
  open_how how = {};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = resolve;
  long number = -1;
  // EAGAIN: a rename or mount raced with the look-up; it can be tried again at once.
  for (int attempt = 0; attempt < 64; ++attempt) {
    number = ::syscall(SYS_openat2, directory.get(), path.c_str(), &how, sizeof how);
    if (number >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  if (number < 0) {
    if (errno == EXDEV) {
      return Error(ErrorKind::permission, EXDEV,
                   cat("opening '", path, "': the path leads out of its directory"));
    }
    return fail_errno("opening '", path, "'");
  }
  return Fd(static_cast<int>(number));
}

using Directory = std::unique_ptr<DIR, decltype([](DIR* stream) { ::closedir(stream); })>;

// Opens a stream of its own over `directory`, whose position is then not shared.
Result<Directory> open_stream(FdRef directory) {
  Fd own = TRY(open_at(directory, ".", O_RDONLY | O_DIRECTORY));
  Directory stream(::fdopendir(own.get()));
  if (!stream) return fail_errno("reading a directory");
  std::ignore = own.release();
  return stream;
}

Result<void> remove_children(FdRef directory, dev_t device);

Result<void> remove_entry(FdRef directory, const std::string& name, dev_t device) {
  if (::unlinkat(directory.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return fail_errno("removing '", name, "'");
  const int unlink_errno = errno;
  Result<Fd> child = open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!child.ok()) return fail_with(unlink_errno, "removing '", name, "'");
  const struct stat status = TRY(stat(child.value()));
  if (status.st_dev != device) {
    return fail(ErrorKind::busy, "removing '", name, "': another file system is mounted there");
  }
  TRY(remove_children(child.value(), device), "in '", name, "'");
  return remove_directory_at(directory, name);
}

Result<void> remove_children(FdRef directory, dev_t device) {
  const std::vector<std::string> names = TRY(list(directory));
  for (const std::string& name : names) TRY(remove_entry(directory, name, device));
  return {};
}

}  // namespace

Result<Fd> open(const std::string& path, int flags, mode_t mode) {
  return open_at(FdRef::cwd(), path, flags, mode);
}

Result<Fd> open_at(FdRef directory, const std::string& path, int flags, mode_t mode) {
  const int number = ::openat(directory.get(), path.c_str(), flags | O_CLOEXEC, mode);
  if (number < 0) return fail_errno("opening '", path, "'");
  return Fd(number);
}

Result<Fd> open_beneath(FdRef directory, const std::string& path, int flags, mode_t mode) {
  return open_resolved(directory, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

Result<Fd> open_in_root(FdRef root, const std::string& path, int flags, mode_t mode) {
  return open_resolved(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

Result<Fd> open_in_root_no_links(FdRef root, const std::string& path, int flags, mode_t mode) {
  return open_resolved(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}

Result<struct stat> stat(FdRef fd) {
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return fail_errno("reading a file's attributes");
  return status;
}

Result<struct stat> stat_at(FdRef directory, const std::string& path) {
  struct stat status;
  if (::fstatat(directory.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno("reading the attributes of '", path, "'");
  }
  return status;
}

bool exists(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Result<std::string> read_all(FdRef fd, std::size_t limit) {
  constexpr std::size_t kChunk = 16384;
  std::string content;
  std::size_t size = 0;
  while (true) {
    content.resize(size + kChunk);
    const ssize_t count = ::read(fd.get(), content.data() + size, kChunk);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("reading");
    size += static_cast<std::size_t>(count);
    if (size > limit) return fail(ErrorKind::exhausted, "reading: more than ", limit, " bytes");
    if (count == 0) break;
  }
  content.resize(size);
  return content;
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  return read_file_at(FdRef::cwd(), path, limit);
}

Result<std::string> read_file_at(FdRef directory, const std::string& path, std::size_t limit) {
  const Fd fd = TRY(open_at(directory, path, O_RDONLY));
  std::string content = TRY(read_all(fd, limit), "'", path, "'");
  return content;
}

Result<std::size_t> read_some(FdRef fd, MutableByteSpan buffer) {
  ssize_t count = 0;
  do {
    count = ::read(fd.get(), buffer.data(), buffer.size());
  } while (count < 0 && errno == EINTR);
  if (count < 0) return fail_errno("reading");
  return static_cast<std::size_t>(count);
}

Result<std::size_t> read_some_at(FdRef fd, MutableByteSpan buffer, std::uint64_t offset) {
  ssize_t count = 0;
  do {
    count = ::pread(fd.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
  } while (count < 0 && errno == EINTR);
  if (count < 0) return fail_errno("reading at ", offset);
  return static_cast<std::size_t>(count);
}

Result<void> read_exact_at(FdRef fd, MutableByteSpan buffer, std::uint64_t offset) {
  while (!buffer.empty()) {
    const ssize_t count =
        ::pread(fd.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("reading at ", offset);
    if (count == 0) return fail(ErrorKind::corrupt, "reading at ", offset, ": the file ends early");
    buffer = buffer.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<void> write_all(FdRef fd, ByteSpan content) {
  while (!content.empty()) {
    const ssize_t count = ::write(fd.get(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("writing");
    content = content.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> write_all_at(FdRef fd, ByteSpan content, std::uint64_t offset) {
  while (!content.empty()) {
    const ssize_t count =
        ::pwrite(fd.get(), content.data(), content.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("writing at ", offset);
    content = content.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<void> write_existing(const std::string& path, std::string_view content) {
  return write_existing_at(FdRef::cwd(), path, content);
}

Result<void> write_existing_at(FdRef directory, const std::string& path, std::string_view content) {
  const Fd fd = TRY(open_at(directory, path, O_WRONLY));
  const ssize_t count = ::write(fd.get(), content.data(), content.size());
  if (count < 0) return fail_errno("writing '", printable(content, 80), "' to '", path, "'");
  if (static_cast<std::size_t>(count) != content.size()) {
    return fail(ErrorKind::internal, "writing to '", path, "': only ", count, " bytes were taken");
  }
  return {};
}

Result<void> replace_file(FdRef directory, const std::string& path, std::string_view content,
                          mode_t mode, Durable durable) {
  const std::string temporary = cat(path, ".", random_hex(8), ".tmp");
  const auto write_and_rename = [&]() -> Result<void> {
    const Fd fd = TRY(open_at(directory, temporary, O_WRONLY | O_CREAT | O_EXCL, mode));
    TRY(write_all(fd, bytes_of(content)), "'", temporary, "'");
    if (durable != Durable::no) TRY(sync(fd), "'", temporary, "'");
    return rename_at(directory, temporary, directory, path);
  };
  Result<void> replaced = write_and_rename();
  if (!replaced.ok()) {
    discard(unlink_at(directory, temporary), "the first error is the one to report");
    return replaced;
  }
  if (durable != Durable::yes) return {};
  const std::size_t slash = path.rfind('/');
  const Fd parent =
      TRY(open_at(directory, slash == std::string::npos ? "." : path.substr(0, slash + 1),
                  O_RDONLY | O_DIRECTORY));
  return sync(parent);
}

Result<void> make_directory(FdRef directory, const std::string& path, mode_t mode) {
  if (::mkdirat(directory.get(), path.c_str(), mode) != 0) {
    return fail_errno("making directory '", path, "'");
  }
  return {};
}

Result<void> make_directories(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return {};
  if (errno == EEXIST) {
    struct stat status;
    if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
    return fail_with(ENOTDIR, "making directory '", path, "'");
  }
  const std::size_t slash = path.find_last_not_of('/') == std::string::npos
                                ? std::string::npos
                                : path.rfind('/', path.find_last_not_of('/'));
  if (errno != ENOENT || slash == std::string::npos || slash == 0) {
    return fail_errno("making directory '", path, "'");
  }
  TRY(make_directories(path.substr(0, slash), mode));
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return fail_errno("making directory '", path, "'");
  }
  return {};
}

Result<std::vector<std::string>> list(FdRef directory) {
  const Directory stream = TRY(open_stream(directory));
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view entry_name = entry->d_name;
    if (entry_name != "." && entry_name != "..") names.emplace_back(entry_name);
  }
  if (errno != 0) return fail_errno("reading a directory");
  std::ranges::sort(names);
  return names;
}

Result<std::string> read_link_at(FdRef directory, const std::string& path) {
  std::string target(PATH_MAX, '\0');
  const ssize_t size = ::readlinkat(directory.get(), path.c_str(), target.data(), target.size());
  if (size < 0) return fail_errno("reading link '", path, "'");
  target.resize(static_cast<std::size_t>(size));
  return target;
}

Result<void> rename_at(FdRef from_directory, const std::string& from, FdRef to_directory,
                       const std::string& to) {
  if (::renameat(from_directory.get(), from.c_str(), to_directory.get(), to.c_str()) != 0) {
    return fail_errno("renaming '", from, "' to '", to, "'");
  }
  return {};
}

Result<void> unlink_at(FdRef directory, const std::string& path) {
  if (::unlinkat(directory.get(), path.c_str(), 0) != 0) return fail_errno("removing '", path, "'");
  return {};
}

Result<void> remove_directory_at(FdRef directory, const std::string& path) {
  if (::unlinkat(directory.get(), path.c_str(), AT_REMOVEDIR) != 0) {
    return fail_errno("removing directory '", path, "'");
  }
  return {};
}

Result<void> remove_tree(FdRef directory, const std::string& path) {
  const Result<struct stat> status = stat_at(directory, path);
  if (!status.ok() && status.error().errno_code() == ENOENT) return {};
  if (!status.ok()) return status.error();
  return remove_entry(directory, path, status.value().st_dev);
}

Result<bool> same_content(FdRef left, FdRef right) {
  constexpr std::size_t kChunk = std::size_t{256} << 10;
  const struct stat left_status = TRY(stat(left));
  const struct stat right_status = TRY(stat(right));
  if (left_status.st_size != right_status.st_size) return false;
  const auto size = static_cast<std::uint64_t>(left_status.st_size);
  std::vector<std::byte> left_bytes(kChunk);
  std::vector<std::byte> right_bytes(kChunk);
  for (std::uint64_t offset = 0; offset < size; offset += kChunk) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, size - offset));
    TRY(read_exact_at(left, MutableByteSpan(left_bytes).first(count), offset));
    TRY(read_exact_at(right, MutableByteSpan(right_bytes).first(count), offset));
    if (!std::equal(left_bytes.begin(), left_bytes.begin() + static_cast<std::ptrdiff_t>(count),
                    right_bytes.begin())) {
      return false;
    }
  }
  return true;
}

void start_writeback(FdRef fd) {
  // Only a hint: what cannot start now is written by the sync.
  std::ignore = ::sync_file_range(fd.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
}

Result<void> sync(FdRef fd) {
  if (::fsync(fd.get()) != 0) return fail_errno("fsync");
  return {};
}

Result<void> sync_all(const std::vector<FdRef>& files) {
  for (const FdRef file : files) {
    // What cannot be written is told by the sync.
    std::ignore =
        ::sync_file_range(file.get(), 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
  }
  for (const FdRef file : files) TRY(sync(file));
  return {};
}

Result<void> sync_data(FdRef fd) {
  if (::fdatasync(fd.get()) != 0) return fail_errno("fdatasync");
  return {};
}

}  // namespace proa::file
