#include "build/run/copy.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "build/parse/ignore.h"
#include "kernel/file/file.h"

namespace proa::build {
namespace {

using image::TarEntry;
using image::TarType;

constexpr int kMaxLinks = 40;
constexpr std::uint32_t kTextMode = 0644;
constexpr std::uint32_t kFetchedMode = 0600;

std::string below(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  return name.empty() ? std::string(directory) : cat(directory, "/", name);
}

// The root that is copied into, as far as it is there.
class Target {
 public:
  explicit Target(std::optional<FdRef> root) : root_(root) {}

  // What lies at `path` itself; a link is not followed.
  Result<std::optional<struct stat>> look(const std::string& path) const {
    if (!root_ || path.empty()) return std::optional<struct stat>();
    const Result<Fd> opened = file::open_in_root_no_links(*root_, path, O_PATH | O_NOFOLLOW);
    if (!opened.ok()) {
      const int code = opened.error().errno_code();
      if (code == ENOENT || code == ENOTDIR) return std::optional<struct stat>();
      return opened.error();
    }
    return std::optional<struct stat>(TRY(file::stat(opened.value())));
  }

  // `path` with its links resolved inside the root, as far as there is something.
  Result<std::string> resolve(std::string_view path) const {
    std::vector<std::string> rest;
    push(rest, path);
    std::string resolved;
    int links = 0;
    while (!rest.empty()) {
      const std::string name = std::move(rest.back());
      rest.pop_back();
      if (name == "..") {
        const std::size_t slash = resolved.rfind('/');
        resolved.resize(slash == std::string::npos ? 0 : slash);
        continue;
      }
      const std::string next = below(resolved, name);
      const std::optional<struct stat> status = TRY(look(next));
      if (status && S_ISLNK(status->st_mode)) {
        if (++links > kMaxLinks) {
          return fail(ErrorKind::invalid_argument, "'", printable(path), "': too many links");
        }
        const Fd link = TRY(file::open_in_root_no_links(*root_, next, O_PATH | O_NOFOLLOW));
        const std::string to = TRY(file::read_link_at(link, ""));
        if (to.starts_with('/')) resolved.clear();
        push(rest, to);
        continue;
      }
      resolved = next;
    }
    return resolved;
  }

  std::optional<FdRef> root() const { return root_; }

 private:
  static void push(std::vector<std::string>& rest, std::string_view path) {
    const std::vector<std::string_view> parts = split(path, '/');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      if (!part->empty() && *part != ".") rest.emplace_back(*part);
    }
  }

  std::optional<FdRef> root_;
};

class CopyWriter {
 public:
  CopyWriter(const CopyRequest& request, std::optional<FdRef> root, LayerTar& tar)
      : request_(request), target_(root), tar_(tar) {}

  Result<void> run() {
    const std::string destination = TRY(target_.resolve(request_.destination));
    const std::optional<struct stat> there = TRY(target_.look(destination));
    const bool is_there = destination.empty() || (there && S_ISDIR(there->st_mode));
    if (there && !S_ISDIR(there->st_mode) && request_.is_directory) {
      return fail(ErrorKind::invalid_argument, "the destination '/", destination,
                  "' is a file, not a directory");
    }
    for (const CopySource& source : request_.sources) {
      TRY(copy_source(source, destination, request_.is_directory || is_there));
    }
    // Nothing to copy still makes the directory that was named.
    if (request_.is_directory && tar_.is_empty()) return make_directories(destination, Last::yes);
    return {};
  }

  enum class Last : bool { no, yes };

  // Gives the layer every directory above `path` as the root has it, or a new one.
  Result<void> make_directories(const std::string& path, Last last) {
    for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
      if (end == std::string::npos && (last == Last::no || path.empty())) return {};
      TRY(make_directory(path.substr(0, end)));
      if (end == std::string::npos) return {};
    }
  }

 private:
  Result<void> make_directory(const std::string& path) {
    if (!made_.insert(path).second) return {};
    TarEntry entry;
    entry.path = path;
    entry.type = TarType::directory;
    const std::optional<struct stat> there = TRY(target_.look(path));
    if (there) {
      if (!S_ISDIR(there->st_mode)) {
        return fail(ErrorKind::invalid_argument, "'/", path, "' is not a directory");
      }
      const Fd directory =
          TRY(file::open_in_root_no_links(*target_.root(), path, O_RDONLY | O_DIRECTORY));
      entry.mode = there->st_mode & 07777;
      entry.uid = there->st_uid;
      entry.gid = there->st_gid;
      entry.mtime_seconds = there->st_mtim.tv_sec;
      entry.xattrs = TRY(read_xattrs(directory));
    } else {
      entry.mode = 0755;
      if (request_.owner) {
        entry.uid = request_.owner->uid;
        entry.gid = request_.owner->gid;
      }
      entry.mtime_seconds = at_most(request_.now);
    }
    return tar_.add(entry);
  }

  std::int64_t at_most(std::int64_t time) const {
    return request_.latest ? std::min(time, *request_.latest) : time;
  }

  // `into`: the destination is a directory.
  Result<void> copy_source(const CopySource& source, const std::string& destination, bool into) {
    if (const auto* tree = std::get_if<TreeSource>(&source)) {
      return copy_tree(*tree, destination, into);
    }
    if (const auto* text = std::get_if<TextSource>(&source)) {
      TarEntry entry;
      entry.path = into ? below(destination, text->name) : destination;
      entry.mode = kTextMode;
      entry.size = text->content.size();
      entry.mtime_seconds = request_.now;
      TRY(prepare_alone(entry));
      return tar_.add_text(entry, text->content);
    }
    const auto& fetched = std::get<FileSource>(source);
    TarEntry entry;
    entry.path = into ? below(destination, fetched.name) : destination;
    entry.mode = kFetchedMode;
    entry.size = fetched.size;
    entry.mtime_seconds = fetched.mtime;
    TRY(prepare_alone(entry));
    return tar_.add_file(entry, fetched.file);
  }

  // For a file that comes from no tree.
  Result<void> prepare_alone(TarEntry& entry) {
    TRY(make_directories(entry.path, Last::no));
    TRY(refuse_directory(entry.path));
    entry.mtime_seconds = at_most(entry.mtime_seconds);
    if (request_.mode) entry.mode = request_.mode->apply(entry.mode, false);
    if (request_.owner) {
      entry.uid = request_.owner->uid;
      entry.gid = request_.owner->gid;
    }
    return {};
  }

  Result<void> refuse_directory(const std::string& path) const {
    const std::optional<struct stat> there = TRY(target_.look(path));
    if (path.empty() || (there && S_ISDIR(there->st_mode))) {
      return fail(ErrorKind::invalid_argument, "cannot put a file in the place of the directory '/",
                  path, "'");
    }
    return {};
  }

  Result<void> copy_tree(const TreeSource& source, const std::string& destination, bool into) {
    const Selection& selection = source.selection;
    std::string base = destination;
    if (!source.parents.empty()) {
      base = below(destination, source.parents);
    } else if (!selection.is_directory() && into) {
      base = below(destination, selection.name);
    }
    TRY(make_directories(base, Last::no));
    links_.clear();
    for (const TreeEntry& entry : selection.entries) {
      TRY(copy_entry(source, entry, below(base, entry.path)));
    }
    return {};
  }

  Result<void> copy_entry(const TreeSource& source, const TreeEntry& from,
                          const std::string& path) {
    const bool is_directory = S_ISDIR(from.status.st_mode);
    if (is_directory) {
      // The top keeps what is there; directories below it take the source's modes.
      const std::optional<struct stat> there = TRY(target_.look(path));
      if (there && !S_ISDIR(there->st_mode)) {
        return fail(ErrorKind::invalid_argument, "cannot copy a directory onto the file '/", path,
                    "'");
      }
      if (path.empty()) return {};
      const bool is_top = from.path.empty();
      if (is_top && (there || source.contents_only || !source.parents.empty())) {
        if (there || source.contents_only) return make_directory(path);
      }
      if (!made_.insert(path).second && is_top) return {};
    } else {
      TRY(refuse_directory(path));
    }
    TarEntry entry = entry_of(source, from, path);
    const mode_t type = from.status.st_mode & S_IFMT;
    if (type == S_IFREG && from.status.st_nlink > 1) {
      const auto [first, is_first] = links_.try_emplace(from.status.st_ino, path);
      if (!is_first) {
        entry.type = TarType::hard_link;
        entry.link = first->second;
        entry.size = 0;
        entry.xattrs.clear();
        return tar_.add(entry);
      }
    }
    if (type != S_IFREG) return tar_.add(entry);
    const Fd content = TRY(source.selection.open(from), "'", printable(path), "'");
    return tar_.add_file(entry, content);
  }

  TarEntry entry_of(const TreeSource& source, const TreeEntry& from,
                    const std::string& path) const {
    TarEntry entry;
    entry.path = path;
    entry.link = from.link;
    entry.mode = from.status.st_mode & 07777;
    entry.mtime_seconds = at_most(from.status.st_mtim.tv_sec);
    entry.xattrs = from.xattrs;
    if (source.keeps_owner) {
      entry.uid = from.status.st_uid;
      entry.gid = from.status.st_gid;
    }
    if (request_.owner) {
      entry.uid = request_.owner->uid;
      entry.gid = request_.owner->gid;
    }
    const mode_t type = from.status.st_mode & S_IFMT;
    switch (type) {
      case S_IFDIR:
        entry.type = TarType::directory;
        break;
      case S_IFLNK:
        entry.type = TarType::symbolic_link;
        entry.mode = 0777;
        return entry;
      case S_IFIFO:
        entry.type = TarType::fifo;
        break;
      case S_IFCHR:
      case S_IFBLK:
        entry.type = type == S_IFCHR ? TarType::character_device : TarType::block_device;
        entry.major = ::major(from.status.st_rdev);
        entry.minor = ::minor(from.status.st_rdev);
        break;
      default:
        entry.size = static_cast<std::uint64_t>(from.status.st_size);
    }
    if (request_.mode) entry.mode = request_.mode->apply(entry.mode, type == S_IFDIR);
    return entry;
  }

  const CopyRequest& request_;
  Target target_;
  LayerTar& tar_;
  std::set<std::string> made_;
  std::map<ino_t, std::string> links_;
};

}  // namespace

std::string describe(const std::vector<CopySource>& sources) {
  std::string text;
  for (const CopySource& source : sources) {
    if (const auto* document = std::get_if<TextSource>(&source)) {
      text += cat("text ", document->name.size(), " ", document->name, " ",
                  Digest::of(document->content).hex(), "\n");
      continue;
    }
    if (const auto* fetched = std::get_if<FileSource>(&source)) {
      text += cat("fetched ", fetched->name.size(), " ", fetched->name, " ", fetched->mtime, " ",
                  fetched->content.hex(), "\n");
      continue;
    }
    const auto& tree = std::get<TreeSource>(source);
    const Selection& selection = tree.selection;
    text += cat("tree ", selection.name.size(), " ", selection.name, " ", tree.parents.size(), " ",
                tree.parents, " ", tree.contents_only ? 1 : 0, "\n");
    for (const TreeEntry& entry : selection.entries) {
      text += cat(entry.path.size(), " ", entry.path, " ", entry.status.st_mode, " ");
      if (tree.keeps_owner) text += cat(entry.status.st_uid, ":", entry.status.st_gid, " ");
      if (S_ISCHR(entry.status.st_mode) || S_ISBLK(entry.status.st_mode)) {
        text += cat("dev ", entry.status.st_rdev, " ");
      }
      text += cat(entry.link.size(), " ", entry.link, " ");
      for (const image::Xattr& xattr : entry.xattrs) {
        text += cat(xattr.name, "=", xattr.value.size(), ":", xattr.value, " ");
      }
      text += cat(entry.content ? entry.content->hex() : "-", "\n");
    }
  }
  return text;
}

Result<void> write_copy(const CopyRequest& request, std::optional<FdRef> root, LayerTar& tar) {
  return CopyWriter(request, root, tar).run();
}

Result<void> write_directory(const std::string& path, std::optional<Owner> owner, std::int64_t now,
                             std::optional<FdRef> root, LayerTar& tar) {
  CopyRequest request;
  request.destination = path;
  request.owner = owner;
  request.now = now;
  const std::string resolved = TRY(Target(root).resolve(path));
  return CopyWriter(request, root, tar).make_directories(resolved, CopyWriter::Last::yes);
}

}  // namespace proa::build
