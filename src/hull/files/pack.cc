// Files to a tar stream.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <cerrno>
#include <map>
#include <vector>

#include "base/text.h"
#include "hull/files/files.h"
#include "image/tar/entry_writer.h"
#include "kernel/file/file.h"

namespace proa::hull::files {
namespace {

using image::TarEntry;
using image::TarType;

constexpr std::size_t kChunk = std::size_t{256} << 10;
// Directories in each other: each keeps a descriptor open.
constexpr int kMaxDepth = 700;
constexpr std::size_t kMaxAttribute = std::size_t{64} << 10;

// What a copy keeps: file capabilities, and what users put there themselves.
bool is_kept(std::string_view attribute) {
  return attribute == "security.capability" || attribute.starts_with("user.");
}

std::vector<image::Xattr> attributes_of(FdRef opened) {
  std::vector<image::Xattr> attributes;
  std::string names(kMaxAttribute, '\0');
  const ssize_t size = ::flistxattr(opened.get(), names.data(), names.size());
  if (size <= 0) return attributes;
  names.resize(static_cast<std::size_t>(size));
  for (const std::string_view name : split(names, '\0')) {
    if (name.empty() || !is_kept(name)) continue;
    std::string value(kMaxAttribute, '\0');
    const std::string key(name);
    const ssize_t length = ::fgetxattr(opened.get(), key.c_str(), value.data(), value.size());
    if (length < 0) continue;  // taken away meanwhile
    value.resize(static_cast<std::size_t>(length));
    attributes.push_back({key, std::move(value)});
  }
  return attributes;
}

// One stream being written.
class Packer {
 public:
  Packer(FdRef out, Submounts submounts) : out_(out), submounts_(submounts), buffer_(kChunk) {}

  Result<void> add(FdRef directory, const std::string& name, const std::string& path, int depth);
  Result<void> add_children(FdRef directory, const std::string& path, int depth);
  Result<void> finish() { return file::write_all(out_, bytes_of(image::tar_end())); }
  void stay_on(dev_t device) { device_ = device; }

 private:
  Result<void> write_header(const TarEntry& entry) {
    return file::write_all(out_, bytes_of(image::print_tar_entry(entry)));
  }
  Result<void> write_file(FdRef opened, TarEntry entry);
  // The path under which the same file went out before.
  const std::string* known_link(const struct stat& status, const std::string& path);

  FdRef out_;
  Submounts submounts_;
  std::optional<dev_t> device_;
  std::map<std::pair<dev_t, ino_t>, std::string> links_;
  std::vector<std::byte> buffer_;
};

const std::string* Packer::known_link(const struct stat& status, const std::string& path) {
  if (status.st_nlink < 2 || S_ISDIR(status.st_mode)) return nullptr;
  const auto [place, is_new] = links_.try_emplace({status.st_dev, status.st_ino}, path);
  return is_new ? nullptr : &place->second;
}

Result<void> Packer::write_file(FdRef opened, TarEntry entry) {
  entry.xattrs = attributes_of(opened);
  TRY(write_header(entry));
  for (std::uint64_t at = 0; at < entry.size;) {
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, entry.size - at));
    // One that grows is cut, one that shrinks ends the stream: its header is out already.
    const std::size_t count =
        TRY(file::read_some(opened, MutableByteSpan(buffer_).first(room)), entry.path);
    if (count == 0) {
      return fail(ErrorKind::corrupt, "'", printable(entry.path), "' became shorter meanwhile");
    }
    TRY(file::write_all(out_, ByteSpan(buffer_).first(count)));
    at += count;
  }
  return file::write_all(out_, bytes_of(std::string(image::tar_padding(entry.size), '\0')));
}

Result<void> Packer::add(FdRef directory, const std::string& name, const std::string& path,
                         int depth) {
  const Result<struct stat> looked = file::stat_at(directory, name);
  if (!looked.ok()) {
    // Removed since its directory was read.
    if (looked.error().errno_code() == ENOENT && depth > 0) return {};
    return looked.error();
  }
  struct stat status = looked.value();
  const auto type = image::tar_type_of(status.st_mode);
  if (!type) return {};
  TarEntry entry{.type = *type, .path = path};
  entry.mode = status.st_mode & 07777;
  entry.uid = status.st_uid;
  entry.gid = status.st_gid;
  entry.mtime_seconds = status.st_mtim.tv_sec;
  entry.mtime_nanoseconds = static_cast<std::uint32_t>(status.st_mtim.tv_nsec);
  if (const std::string* first = known_link(status, path)) {
    entry.type = TarType::hard_link;
    entry.link = *first;
    return write_header(entry);
  }
  switch (*type) {
    case TarType::file: {
      // Not blocking: a pipe may have taken its place.
      Result<Fd> opened = file::open_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      if (!opened.ok() && opened.error().errno_code() == ENOENT && depth > 0) return {};
      const Fd content = TRY(std::move(opened), path);
      status = TRY(file::stat(content));
      if (!S_ISREG(status.st_mode)) {
        return fail(ErrorKind::corrupt, "'", printable(path), "' became something else meanwhile");
      }
      entry.size = static_cast<std::uint64_t>(status.st_size);
      return write_file(content, std::move(entry));
    }
    case TarType::directory: {
      if (depth > kMaxDepth) {
        return fail(ErrorKind::exhausted, "'", printable(path), "' is nested too deep");
      }
      const Fd opened =
          TRY(file::open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), path);
      entry.xattrs = attributes_of(opened);
      TRY(write_header(entry));
      return add_children(opened, path, depth + 1);
    }
    case TarType::symbolic_link:
      entry.link = TRY(file::read_link_at(directory, name), path);
      return write_header(entry);
    case TarType::character_device:
    case TarType::block_device:
      entry.major = major(status.st_rdev);
      entry.minor = minor(status.st_rdev);
      return write_header(entry);
    case TarType::fifo:
    case TarType::hard_link:
      return write_header(entry);
  }
  return {};
}

Result<void> Packer::add_children(FdRef directory, const std::string& path, int depth) {
  // What is mounted here is another file system's: its place stays, empty.
  if (submounts_ == Submounts::skip && device_) {
    const struct stat status = TRY(file::stat(directory));
    if (status.st_dev != *device_) return {};
  }
  for (const std::string& name : TRY(file::list(directory), path)) {
    TRY(add(directory, name, path.empty() ? name : cat(path, "/", name), depth));
  }
  return {};
}

// The last part of a path, "." where there is none to name.
std::string base_of(const std::string& path) {
  std::string_view text = path;
  if (text.ends_with("/.")) return ".";
  while (text.ends_with('/')) text.remove_suffix(1);
  const std::size_t slash = text.rfind('/');
  if (slash != std::string_view::npos) text = text.substr(slash + 1);
  return text.empty() ? std::string(".") : std::string(text);
}

}  // namespace

Result<void> pack(const Place& place, const std::string& path, Submounts submounts, FdRef out) {
  Packer packer(out, submounts);
  TRY(packer.add(place.directory, place.name, base_of(path), 0));
  return packer.finish();
}

Result<void> pack_all(FdRef root, FdRef out) {
  Packer packer(out, Submounts::skip);
  const struct stat status = TRY(file::stat(root));
  packer.stay_on(status.st_dev);
  TRY(packer.add_children(root, "", 1));
  return packer.finish();
}

}  // namespace proa::hull::files
