#include "build/run/upper.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.h"
#include "build/parse/ignore.h"
#include "build/run/tree.h"
#include "kernel/file/file.h"

namespace proa::build {
namespace {

using image::TarEntry;
using image::TarType;

constexpr int kMaxDepth = 128;

// struct vfs_cap_data: version 2 has no owner, version 3 names the root of a user namespace.
constexpr std::uint32_t kCapabilityVersion = 0xff000000;
constexpr std::uint32_t kCapabilityVersion2 = 0x02000000;
constexpr std::uint32_t kCapabilityVersion3 = 0x03000000;
constexpr std::size_t kCapability2 = 20;
constexpr std::size_t kCapability3 = 24;

// Images hold capabilities without an owner, as docker writes them.
void disown_capability(std::string& value) {
  if (value.size() != kCapability3) return;
  auto magic = copy_from<Le32>(bytes_of(value));
  if ((magic & kCapabilityVersion) != kCapabilityVersion3) return;
  magic = (magic & ~kCapabilityVersion) | kCapabilityVersion2;
  value.replace(0, sizeof magic, text_of(bytes_of(magic)));
  value.resize(kCapability2);
}

bool is_opaque(FdRef directory) {
  std::array<char, 8> value;
  const ssize_t size =
      ::fgetxattr(directory.get(), "trusted.overlay.opaque", value.data(), value.size());
  return size == 1 && value[0] == 'y';
}

class UpperWriter {
 public:
  UpperWriter(const UpperOptions& options, LayerTar& tar) : options_(options), tar_(tar) {}

  Result<void> run(FdRef directory, const std::string& path, int depth) {
    if (depth > kMaxDepth) return fail(ErrorKind::exhausted, "more than ", kMaxDepth, " levels");
    const std::vector<std::string> names = TRY(file::list(directory));
    for (const std::string& name : names) {
      const std::string below = path.empty() ? name : cat(path, "/", name);
      const struct stat status = TRY(file::stat_at(directory, name));
      TRY(add(directory, name, below, status, depth), "'", printable(below), "'");
    }
    return {};
  }

 private:
  // Directories are written when something in them is, or at their end where they count alone.
  struct Waiting {
    TarEntry entry;
    bool written = false;
  };

  TarEntry entry_of(const std::string& path, const struct stat& status) const {
    TarEntry entry;
    entry.path = path;
    entry.mode = status.st_mode & 07777;
    entry.uid = status.st_uid;
    entry.gid = status.st_gid;
    entry.mtime_seconds = status.st_mtim.tv_sec;
    if (options_.latest) entry.mtime_seconds = std::min(entry.mtime_seconds, *options_.latest);
    return entry;
  }

  Result<void> write_waiting() {
    for (Waiting& directory : waiting_) {
      if (std::exchange(directory.written, true)) continue;
      TRY(tar_.add(directory.entry));
    }
    return {};
  }

  Result<void> add(FdRef directory, const std::string& name, const std::string& path,
                   const struct stat& status, int depth) {
    const mode_t type = status.st_mode & S_IFMT;
    if (type == S_IFCHR && status.st_rdev == 0) return add_whiteout(path);
    if (type == S_IFSOCK) return {};
    if (type == S_IFDIR) return add_directory(directory, name, path, status, depth);
    if (type == S_IFREG && status.st_size == 0 && is_stub(path)) return {};
    TRY(write_waiting());
    TarEntry entry = entry_of(path, status);
    if (status.st_nlink > 1) {
      const auto [first, is_first] = links_.try_emplace(status.st_ino, path);
      if (!is_first) {
        entry.type = TarType::hard_link;
        entry.link = first->second;
        return tar_.add(entry);
      }
    }
    switch (type) {
      case S_IFLNK:
        entry.type = TarType::symbolic_link;
        entry.link = TRY(file::read_link_at(directory, name));
        return tar_.add(entry);
      case S_IFREG:
        return add_file(directory, name, std::move(entry), status);
      case S_IFIFO:
        entry.type = TarType::fifo;
        return tar_.add(entry);
      case S_IFCHR:
      case S_IFBLK:
        entry.type = type == S_IFCHR ? TarType::character_device : TarType::block_device;
        entry.major = ::major(status.st_rdev);
        entry.minor = ::minor(status.st_rdev);
        return tar_.add(entry);
      default:
        return fail(ErrorKind::unsupported, "a file of an unknown kind");
    }
  }

  Result<void> add_whiteout(const std::string& path) {
    TRY(write_waiting());
    const std::size_t slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash + 1);
    TarEntry entry;
    entry.path = cat(parent, ".wh.", std::string_view(path).substr(parent.size()));
    return tar_.add(entry);
  }

  Result<void> add_file(FdRef directory, const std::string& name, TarEntry entry,
                        const struct stat& status) {
    const Fd file = TRY(file::open_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    entry.size = static_cast<std::uint64_t>(status.st_size);
    entry.xattrs = TRY(read_xattrs(file));
    for (image::Xattr& xattr : entry.xattrs) {
      if (xattr.name == "security.capability") disown_capability(xattr.value);
    }
    return tar_.add_file(entry, file);
  }

  bool is_stub(const std::string& path) const {
    const auto place = options_.places.find(path);
    return place != options_.places.end() && !place->second;
  }

  // Whether nothing but a mount below it touched a directory.
  bool is_untouched(const std::string& path, const struct stat& status) const {
    const auto place = options_.places.find(path);
    if (place == options_.places.end()) return false;
    if (!place->second) return true;
    return place->second->st_mode == status.st_mode && place->second->st_uid == status.st_uid &&
           place->second->st_gid == status.st_gid;
  }

  Result<void> add_directory(FdRef directory, const std::string& name, const std::string& path,
                             const struct stat& status, int depth) {
    const Fd child = TRY(file::open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TarEntry entry = entry_of(path, status);
    entry.type = TarType::directory;
    entry.xattrs = TRY(read_xattrs(child));
    waiting_.push_back({std::move(entry)});
    const bool opaque = is_opaque(child);
    if (opaque || !is_untouched(path, status)) TRY(write_waiting());
    if (opaque) {
      TarEntry mark;
      mark.path = cat(path, "/.wh..wh..opq");
      TRY(tar_.add(mark));
    }
    TRY(run(child, path, depth + 1));
    waiting_.pop_back();
    return {};
  }

  const UpperOptions& options_;
  LayerTar& tar_;
  std::map<ino_t, std::string> links_;
  std::vector<Waiting> waiting_;
};

}  // namespace

Result<MountPlaces> note_mount_places(FdRef root, const std::set<std::string>& destinations) {
  MountPlaces places;
  for (const std::string& destination : destinations) {
    std::string path = clean_path(destination);
    while (!path.empty()) {
      if (places.contains(path)) break;
      std::optional<struct stat> before;
      // Through links inside the root, as the mount itself is placed.
      const Result<Fd> opened = file::open_in_root(root, path, O_PATH | O_NOFOLLOW);
      if (opened.ok()) before = TRY(file::stat(opened.value()));
      places.emplace(path, before);
      const std::size_t slash = path.rfind('/');
      path.resize(slash == std::string::npos ? 0 : slash);
    }
  }
  return places;
}

Result<void> write_upper(FdRef upper, const UpperOptions& options, LayerTar& tar) {
  return UpperWriter(options, tar).run(upper, "", 0);
}

}  // namespace proa::build
