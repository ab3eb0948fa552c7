// A tar stream to files.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/text.h"
#include "hull/files/files.h"
#include "image/tar/reader.h"
#include "kernel/file/file.h"

namespace proa::hull::files {
namespace {

using image::TarEntry;
using image::TarType;

constexpr std::size_t kChunk = std::size_t{256} << 10;
constexpr mode_t kMissingDirectory = 0755;
constexpr std::size_t kMaxLateTimes = 1 << 20;

Error no_directory(const std::string& path) {
  return fail(ErrorKind::invalid_argument,
              "extraction point is not a directory: ", printable(path));
}

// "./a//b/" -> {"a", "b"}.
//
// Errors: invalid_argument ("..")
Result<std::vector<std::string>> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == ".." || part.size() > 255) {
      return fail(ErrorKind::invalid_argument, "'", printable(path), "' leads out of its archive");
    }
    parts.emplace_back(part);
  }
  return parts;
}

// Makes files of the entries as they come. All places are found below the root anew for each
// entry, so a link that an earlier entry made is followed within the root only.
class Unpacker : public image::TarSink {
 public:
  Unpacker(FdRef root, std::string directory, bool keep_kinds)
      : root_(root), directory_(std::move(directory)), keep_kinds_(keep_kinds) {}

  Result<void> raw(ByteSpan) override { return {}; }
  Result<void> begin(const TarEntry& entry) override;
  Result<void> data(ByteSpan bytes) override;
  Result<void> end() override;
  // Directories get their times last: what is put into them changes them.
  Result<void> finish();

 private:
  struct Late {
    std::string path;
    timespec mtime;
  };

  std::string below(const std::vector<std::string>& parts, std::size_t count) const;
  Result<Fd> open_parent(const std::vector<std::string>& parts) const;
  Result<void> clear_way(const TarEntry& entry, FdRef parent, const std::string& name) const;
  Result<void> make(const TarEntry& entry, FdRef parent, const std::string& name);
  Result<void> make_hard_link(const TarEntry& entry, FdRef parent, const std::string& name) const;
  Result<void> dress(const TarEntry& entry, FdRef parent, const std::string& name) const;

  FdRef root_;
  std::string directory_;
  bool keep_kinds_;
  TarEntry entry_;
  Fd file_;
  std::size_t piece_ = 0;  // of a sparse file
  std::uint64_t in_piece_ = 0;
  std::uint64_t offset_ = 0;
  std::vector<Late> late_;
};

std::string Unpacker::below(const std::vector<std::string>& parts, std::size_t count) const {
  std::string path = directory_;
  for (std::size_t index = 0; index < count; ++index) path += cat("/", parts[index]);
  return path;
}

// The directory that an entry goes into; what is missing of it is made.
Result<Fd> Unpacker::open_parent(const std::vector<std::string>& parts) const {
  const std::string whole = below(parts, parts.size() - 1);
  Result<Fd> opened = file::open_in_root(root_, whole, O_RDONLY | O_DIRECTORY);
  if (opened.ok() || opened.error().errno_code() != ENOENT) return opened;
  Fd directory = TRY(file::open_in_root(root_, directory_, O_RDONLY | O_DIRECTORY));
  for (std::size_t count = 1; count < parts.size(); ++count) {
    const std::string path = below(parts, count);
    Result<Fd> next = file::open_in_root(root_, path, O_RDONLY | O_DIRECTORY);
    if (!next.ok() && next.error().errno_code() == ENOENT) {
      TRY(file::make_directory(directory, parts[count - 1], kMissingDirectory));
      next = file::open_in_root(root_, path, O_RDONLY | O_DIRECTORY);
    }
    directory = TRY(std::move(next));
  }
  return directory;
}

// Takes away what stands where the entry is to be, but for a directory where one is to be.
Result<void> Unpacker::clear_way(const TarEntry& entry, FdRef parent,
                                 const std::string& name) const {
  const Result<struct stat> status = file::stat_at(parent, name);
  if (!status.ok()) {
    if (status.error().errno_code() == ENOENT) return {};
    return status.error();
  }
  const bool stands = S_ISDIR(status.value().st_mode);
  const bool comes = entry.type == TarType::directory;
  if (stands && comes) return {};
  if (keep_kinds_ && stands != comes) {
    return fail(ErrorKind::invalid_argument,
                comes ? "cannot overwrite non-directory \"" : "cannot overwrite directory \"",
                printable(cat(directory_, "/", entry.path)),
                comes ? "\" with directory" : "\" with non-directory");
  }
  return file::remove_tree(parent, name);
}

Result<void> Unpacker::make_hard_link(const TarEntry& entry, FdRef parent,
                                      const std::string& name) const {
  const std::vector<std::string> parts = TRY(parts_of(entry.link));
  if (parts.empty()) return fail(ErrorKind::invalid_argument, "a hard link to nothing");
  const Fd target =
      TRY(file::open_in_root(root_, below(parts, parts.size() - 1), O_RDONLY | O_DIRECTORY));
  if (::linkat(target.get(), parts.back().c_str(), parent.get(), name.c_str(), 0) != 0) {
    return fail_errno("linking to '", printable(entry.link), "'");
  }
  return {};
}

Result<void> Unpacker::make(const TarEntry& entry, FdRef parent, const std::string& name) {
  const dev_t device = makedev(entry.major, entry.minor);
  switch (entry.type) {
    case TarType::file:
      file_ = TRY(file::open_at(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
      return {};
    case TarType::directory:
      if (::mkdirat(parent.get(), name.c_str(), 0700) != 0 && errno != EEXIST) {
        return fail_errno("making a directory");
      }
      return {};
    case TarType::symbolic_link:
      if (::symlinkat(entry.link.c_str(), parent.get(), name.c_str()) != 0) {
        return fail_errno("making a link");
      }
      return {};
    case TarType::hard_link:
      return make_hard_link(entry, parent, name);
    case TarType::fifo:
      if (::mkfifoat(parent.get(), name.c_str(), 0600) != 0) return fail_errno("making a pipe");
      return {};
    case TarType::character_device:
    case TarType::block_device: {
      const mode_t kind = entry.type == TarType::block_device ? S_IFBLK : S_IFCHR;
      if (::mknodat(parent.get(), name.c_str(), kind | 0600, device) != 0) {
        return fail_errno("making a device");
      }
      return {};
    }
  }
  return {};
}

// Owner, mode and attributes, in this order: a new owner takes away capabilities and set-id bits.
Result<void> Unpacker::dress(const TarEntry& entry, FdRef parent, const std::string& name) const {
  if (::fchownat(parent.get(), name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno("setting the owner");
  }
  // A link that the workload puts in its place meanwhile leads nowhere but into the workload.
  if (entry.type != TarType::symbolic_link &&
      ::fchmodat(parent.get(), name.c_str(), entry.mode & 07777, 0) != 0) {
    return fail_errno("setting the mode");
  }
  if (entry.type != TarType::file && entry.type != TarType::directory) return {};
  const Fd opened = TRY(file::open_at(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  for (const image::Xattr& attribute : entry.xattrs) {
    // As docker: what this file system or these rights do not allow is left out.
    if (::fsetxattr(opened.get(), attribute.name.c_str(), attribute.value.data(),
                    attribute.value.size(), 0) != 0 &&
        errno != ENOTSUP && errno != EPERM) {
      return fail_errno("setting attribute '", printable(attribute.name), "'");
    }
  }
  return {};
}

Result<void> Unpacker::begin(const TarEntry& entry) {
  entry_ = entry;
  piece_ = 0;
  in_piece_ = 0;
  offset_ = 0;
  file_.reset();
  const std::vector<std::string> parts = TRY(parts_of(entry.path));
  // The directory itself: it is there, and stays as it is.
  if (parts.empty()) return {};
  const Fd parent = TRY(open_parent(parts), "'", printable(entry.path), "'");
  const std::string& name = parts.back();
  TRY(clear_way(entry, parent, name), "'", printable(entry.path), "'");
  TRY(make(entry, parent, name), "'", printable(entry.path), "'");
  // A hard link is the file that it links to, dressed already.
  if (entry.type == TarType::hard_link) return {};
  TRY(dress(entry, parent, name), "'", printable(entry.path), "'");
  const timespec mtime = {.tv_sec = entry.mtime_seconds,
                          .tv_nsec = static_cast<long>(entry.mtime_nanoseconds)};
  if (entry.type == TarType::directory) {
    if (late_.size() < kMaxLateTimes) late_.push_back({below(parts, parts.size()), mtime});
    return {};
  }
  if (entry.type == TarType::file) return {};
  const timespec times[] = {mtime, mtime};
  if (::utimensat(parent.get(), name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno("setting the time of '", printable(entry.path), "'");
  }
  return {};
}

Result<void> Unpacker::data(ByteSpan bytes) {
  if (!file_.valid()) return {};
  if (!entry_.sparse) {
    TRY(file::write_all(file_, bytes), "'", printable(entry_.path), "'");
    return {};
  }
  while (!bytes.empty() && piece_ < entry_.sparse->size()) {
    const image::SparsePiece& piece = (*entry_.sparse)[piece_];
    const auto room =
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), piece.size - in_piece_));
    TRY(file::write_all_at(file_, bytes.first(room), piece.offset + in_piece_), "'",
        printable(entry_.path), "'");
    bytes = bytes.subspan(room);
    in_piece_ += room;
    if (in_piece_ == piece.size) {
      ++piece_;
      in_piece_ = 0;
    }
  }
  return {};
}

Result<void> Unpacker::end() {
  if (!file_.valid()) return {};
  if (entry_.sparse && ::ftruncate(file_.get(), static_cast<off_t>(entry_.size)) != 0) {
    return fail_errno("'", printable(entry_.path), "'");
  }
  const timespec mtime = {.tv_sec = entry_.mtime_seconds,
                          .tv_nsec = static_cast<long>(entry_.mtime_nanoseconds)};
  const timespec times[] = {mtime, mtime};
  if (::futimens(file_.get(), times) != 0) return fail_errno("setting a time");
  file_.reset();
  return {};
}

Result<void> Unpacker::finish() {
  for (auto late = late_.rbegin(); late != late_.rend(); ++late) {
    const Result<Fd> opened = file::open_in_root(root_, late->path, O_RDONLY | O_DIRECTORY);
    if (!opened.ok()) continue;  // replaced by a later entry
    const timespec times[] = {late->mtime, late->mtime};
    if (::futimens(opened.value().get(), times) != 0) return fail_errno("setting a time");
  }
  return {};
}

}  // namespace

Result<void> unpack(FdRef root, const wire::Path& directory, FdRef tar) {
  Result<Fd> opened = file::open_in_root(root, directory.path, O_RDONLY | O_DIRECTORY);
  if (!opened.ok()) {
    if (opened.error().errno_code() == ENOTDIR) return no_directory(directory.path);
    if (opened.error().errno_code() == ENOENT) {
      return fail(ErrorKind::not_found, "Could not find the file ", printable(directory.path));
    }
    return opened.error();
  }
  Unpacker unpacker(root, directory.path, directory.keep_kinds);
  image::TarReader reader(unpacker, image::LayerLimits());
  std::vector<std::byte> buffer(kChunk);
  while (true) {
    const std::size_t count = TRY(file::read_some(tar, buffer), "reading the archive");
    if (count == 0) break;
    TRY(reader.feed(ByteSpan(buffer).first(count)));
  }
  TRY(reader.finish());
  return unpacker.finish();
}

}  // namespace proa::hull::files
