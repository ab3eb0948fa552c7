#include "apps/cli/archive/unpack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::cli {
namespace {

// Without "." parts and slashes at the ends; ".." is refused.
Result<std::vector<std::string_view>> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  for (const std::string_view part : split(path, '/')) {
    if (part == "..") {
      return fail(ErrorKind::permission, "'", printable(path), "' in the archive leads out");
    }
    if (!part.empty() && part != ".") parts.push_back(part);
  }
  return parts;
}

}  // namespace

Result<void> Unpacker::raw(ByteSpan /*bytes*/) { return {}; }

Result<std::string> Unpacker::place_of(std::string_view path) const {
  const std::vector<std::string_view> parts = TRY(parts_of(path));
  std::string place;
  for (const std::string_view& part : parts) {
    const bool renamed = &part == &parts.front() && !top_.empty();
    place.append(place.empty() ? "" : "/").append(renamed ? std::string_view(top_) : part);
  }
  return place;
}

Result<Fd> Unpacker::parent_of(const std::string& place) const {
  const std::size_t slash = place.rfind('/');
  if (slash == std::string::npos) {
    return file::open_at(directory_, ".", O_PATH | O_DIRECTORY);
  }
  return file::open_beneath(directory_, place.substr(0, slash), O_PATH | O_DIRECTORY);
}

Result<void> Unpacker::make_directory(FdRef parent, const std::string& name,
                                      const image::TarEntry& entry) const {
  if (::mkdirat(parent.get(), name.c_str(), entry.mode | 0700) != 0) {
    const int errno_code = errno;
    struct stat status = {};
    if (errno_code != EEXIST ||
        ::fstatat(parent.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return fail_with(errno_code, "making a directory");
    }
    if (!S_ISDIR(status.st_mode)) return fail_with(ENOTDIR, "making a directory");
    return {};
  }
  return {};
}

Result<void> Unpacker::make_link(FdRef parent, const std::string& name,
                                 const image::TarEntry& entry) const {
  if (entry.type == image::TarType::symbolic_link) {
    if (::symlinkat(entry.link.c_str(), parent.get(), name.c_str()) != 0) {
      return fail_errno("making a symbolic link");
    }
    return {};
  }
  const std::string target = TRY(place_of(entry.link));
  const Fd target_parent = TRY(parent_of(target));
  const std::string target_name = target.substr(target.rfind('/') + 1);
  if (::linkat(target_parent.get(), target_name.c_str(), parent.get(), name.c_str(), 0) != 0) {
    return fail_errno("linking to '", printable(entry.link), "'");
  }
  return {};
}

Result<void> Unpacker::make(FdRef parent, const std::string& name, const image::TarEntry& entry) {
  using Type = image::TarType;
  if (entry.type == Type::directory) return make_directory(parent, name, entry);
  // A file in its place goes; a directory stays, and is an error below.
  ::unlinkat(parent.get(), name.c_str(), 0);
  switch (entry.type) {
    case Type::directory:
      return {};
    case Type::hard_link:
    case Type::symbolic_link:
      return make_link(parent, name, entry);
    case Type::file:
      file_ = TRY(file::open_at(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
      return {};
    case Type::character_device:
    case Type::block_device:
    case Type::fifo: {
      const mode_t kind = entry.type == Type::fifo           ? S_IFIFO
                          : entry.type == Type::block_device ? S_IFBLK
                                                             : S_IFCHR;
      const dev_t device =
          static_cast<dev_t>((static_cast<std::uint64_t>(entry.major) << 8) | entry.minor);
      if (::mknodat(parent.get(), name.c_str(), kind | entry.mode, device) != 0) {
        return fail_errno("making a special file");
      }
      return {};
    }
  }
  return {};
}

Result<void> Unpacker::begin(const image::TarEntry& entry) {
  entry_ = entry;
  piece_ = 0;
  written_ = 0;
  file_.reset();
  const std::string place = TRY(place_of(entry.path));
  if (place.empty()) return {};  // the directory that all goes into
  const Fd parent = TRY(parent_of(place), "unpacking '", printable(place), "'");
  TRY(make(parent, place.substr(place.rfind('/') + 1), entry), "unpacking '", printable(place),
      "'");
  return {};
}

Result<void> Unpacker::data(ByteSpan bytes) {
  if (!file_.valid()) return {};
  if (!entry_.sparse) {
    TRY(file::write_all(file_, bytes));
    return {};
  }
  while (!bytes.empty() && piece_ < entry_.sparse->size()) {
    const image::SparsePiece& piece = (*entry_.sparse)[piece_];
    const std::size_t count = std::min<std::uint64_t>(piece.size - written_, bytes.size());
    TRY(file::write_all_at(file_, bytes.first(count), piece.offset + written_));
    written_ += count;
    bytes = bytes.subspan(count);
    if (written_ == piece.size) {
      ++piece_;
      written_ = 0;
    }
  }
  return {};
}

Result<void> Unpacker::end() {
  if (!file_.valid()) return {};
  if (entry_.sparse && ::ftruncate(file_.get(), static_cast<off_t>(entry_.size)) != 0) {
    return fail_errno("sizing '", printable(entry_.path), "'");
  }
  if (keep_owner_ == KeepOwner::yes && ::fchown(file_.get(), entry_.uid, entry_.gid) != 0) {
    return fail_errno("changing the owner of '", printable(entry_.path), "'");
  }
  // Without the bits that would lend our user's rights to whoever runs it.
  const mode_t kept = keep_owner_ == KeepOwner::yes ? 07777 : 0777;
  if (::fchmod(file_.get(), entry_.mode & kept) != 0) {
    return fail_errno("setting the mode of '", printable(entry_.path), "'");
  }
  const struct timespec times[2] = {
      {0, UTIME_OMIT},
      {static_cast<time_t>(entry_.mtime_seconds), static_cast<long>(entry_.mtime_nanoseconds)}};
  ::futimens(file_.get(), times);
  file_.reset();
  return {};
}

}  // namespace proa::cli
