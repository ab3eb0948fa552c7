#include "build/run/tree.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <time.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::build {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;
constexpr std::size_t kMaxXattrs = 64;
// A file that changed so shortly before it was read may change again without a new ctime.
constexpr std::int64_t kSettled = 20'000'000;

std::int64_t nanoseconds(const struct timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileMark mark_of(const struct stat& status) {
  return {status.st_ino, nanoseconds(status.st_ctim), static_cast<std::uint64_t>(status.st_size)};
}

Result<Digest> hash_file(FdRef file) {
  thread_local std::vector<std::byte> storage(kChunk);
  Sha256 hash;
  while (true) {
    const std::size_t count = TRY(file::read_some(file, storage));
    if (count == 0) return hash.finish();
    hash.update(ByteSpan(storage).first(count));
  }
}

bool has_xattrs(FdRef directory, const std::string& name) {
  const std::string path = cat("/proc/self/fd/", directory.get(), "/", name);
  return ::llistxattr(path.c_str(), nullptr, 0) > 0;
}

std::string joined(std::string_view directory, std::string_view name) {
  return directory.empty() ? std::string(name) : cat(directory, "/", name);
}

}  // namespace

Result<std::vector<image::Xattr>> read_xattrs(FdRef file) {
  std::vector<image::Xattr> xattrs;
  std::array<char, 8192> names;
  const ssize_t size = ::flistxattr(file.get(), names.data(), names.size());
  if (size < 0) {
    if (errno == ENOTSUP || errno == EBADF || errno == ERANGE) return xattrs;
    return fail_errno("listing extended attributes");
  }
  for (const std::string_view name :
       split(std::string_view(names.data(), static_cast<std::size_t>(size)), '\0')) {
    if (name != "security.capability" && !name.starts_with("user.")) continue;
    if (name.starts_with("user.overlay.")) continue;
    std::string value(65536, '\0');
    const std::string key(name);
    const ssize_t got = ::fgetxattr(file.get(), key.c_str(), value.data(), value.size());
    if (got < 0) continue;
    value.resize(static_cast<std::size_t>(got));
    if (xattrs.size() < kMaxXattrs) xattrs.push_back({key, std::move(value)});
  }
  std::ranges::sort(xattrs);
  return xattrs;
}

Result<std::unique_ptr<DigestTable>> DigestTable::open(Database& database, std::string context) {
  KnownFiles known = TRY(database.files(context));
  return std::unique_ptr<DigestTable>(
      new DigestTable(database, std::move(context), std::move(known)));
}

Result<Digest> DigestTable::digest(const std::string& path, FdRef directory,
                                   const std::string& name, const struct stat& status) {
  const FileMark mark = mark_of(status);
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(path);
    if (found != known_.end() && found->second.mark == mark) return found->second.digest;
  }
  const Fd file = TRY(file::open_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  const Digest digest = TRY(hash_file(file), "reading '", path, "'");
  struct timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::lock_guard lock(mutex_);
  if (mark.changed + kSettled < nanoseconds(now)) {
    known_.insert_or_assign(path, KnownFile{mark, digest});
    changed_ = true;
  }
  return digest;
}

Result<void> DigestTable::save() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(changed_, false)) return {};
  return database_.keep_files(context_, known_);
}

Result<Fd> Selection::open(const TreeEntry& entry) const {
  if (entry.path.empty()) {
    // The top was opened once and is what was looked at.
    return file::open(cat("/proc/self/fd/", top.get()), O_RDONLY | O_NONBLOCK);
  }
  return file::open_beneath(top, entry.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

// Collects a directory depth first, names in order.
struct Tree::Walk {
  const Tree& tree;
  const IgnoreList& excluded;
  Selection& selection;
  TreeLimits limits = {};

  bool leaves_out(const std::string& path, const std::string& whole) const {
    if (excluded.excludes(path) || excluded.excludes(whole)) return true;
    return tree.ignored_ != nullptr && tree.ignored_->excludes(whole);
  }
  bool may_let_in() const {
    return excluded.lets_in() || (tree.ignored_ != nullptr && tree.ignored_->lets_in());
  }

  Result<void> fill(TreeEntry& entry, FdRef directory, const std::string& name,
                    const std::string& whole) {
    const mode_t type = entry.status.st_mode & S_IFMT;
    if (type == S_IFSOCK) {
      return fail(ErrorKind::invalid_argument, "'", whole,
                  "' is a socket, which images cannot hold");
    }
    if (type == S_IFLNK) {
      entry.link = TRY(file::read_link_at(directory, name));
      return {};
    }
    if (type != S_IFREG && type != S_IFDIR) return {};
    if (type == S_IFREG) {
      selection.bytes += static_cast<std::uint64_t>(entry.status.st_size);
      if (tree.table_ != nullptr) {
        entry.content = TRY(tree.table_->digest(whole, directory, name, entry.status));
        // Most files have none, and need not be opened to know it.
        if (!has_xattrs(directory, name)) return {};
      }
    }
    const Fd file = TRY(file::open_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    entry.xattrs = TRY(read_xattrs(file));
    if (type == S_IFREG && !entry.content) entry.content = TRY(hash_file(file));
    return {};
  }

  Result<void> run(FdRef directory, const std::string& path, const std::string& whole, int depth) {
    if (depth > limits.depth) {
      return fail(ErrorKind::exhausted, "'", whole, "': more than ", limits.depth, " levels");
    }
    const std::vector<std::string> names = TRY(file::list(directory));
    for (const std::string& name : names) {
      const std::string below = joined(path, name);
      const std::string full = joined(whole, name);
      const bool out = leaves_out(below, full);
      if (out && !may_let_in()) continue;
      if (selection.entries.size() >= limits.entries) {
        return fail(ErrorKind::exhausted, "more than ", limits.entries, " files");
      }
      TreeEntry entry{below, TRY(file::stat_at(directory, name)), {}, {}, {}};
      const bool is_directory = S_ISDIR(entry.status.st_mode);
      if (out && !is_directory) continue;
      const std::size_t place = selection.entries.size();
      if (!is_directory || !out || may_let_in()) {
        TRY(fill(entry, directory, name, full));
        selection.entries.push_back(std::move(entry));
      }
      if (!is_directory) continue;
      const Fd child = TRY(file::open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      TRY(run(child, below, full, depth + 1));
      // A directory that is left out is there only for what was let in again below it.
      if (out && selection.entries.size() == place + 1) selection.entries.pop_back();
    }
    return {};
  }
};

Result<bool> Tree::has(const std::string& path) const {
  const std::string cleaned = clean_path(path);
  if (ignored_ != nullptr && ignored_->excludes(cleaned)) return false;
  const Result<Fd> opened = file::open_in_root(root_, cleaned.empty() ? "." : cleaned, O_PATH);
  if (opened.ok()) return true;
  if (opened.error().kind() == ErrorKind::not_found) return false;
  return opened.error();
}

Result<std::string> Tree::read(const std::string& path, std::size_t limit) const {
  const Fd file = TRY(file::open_in_root(root_, path, O_RDONLY | O_NONBLOCK), "'", path, "'");
  const struct stat status = TRY(file::stat(file));
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::invalid_argument, "'", path, "' is no file");
  return file::read_all(file, limit);
}

Result<Selection> Tree::select_one(const std::string& path, const IgnoreList& excluded) const {
  Selection selection;
  selection.path = path;
  selection.name = path.substr(path.rfind('/') + 1);
  selection.top = TRY(file::open_in_root(root_, path.empty() ? "." : path, O_PATH));
  TreeEntry top{"", TRY(file::stat(selection.top)), {}, {}, {}};
  const bool is_directory = S_ISDIR(top.status.st_mode);
  Walk walk{*this, excluded, selection};
  if (!is_directory && ignored_ != nullptr && ignored_->excludes(path)) {
    return fail(ErrorKind::not_found, "'", path, "' is left out by .dockerignore");
  }
  const Fd opened = TRY(file::open(cat("/proc/self/fd/", selection.top.get()),
                                   is_directory ? O_RDONLY | O_DIRECTORY : O_PATH));
  if (is_directory) {
    top.xattrs = TRY(read_xattrs(opened));
    selection.entries.push_back(std::move(top));
    TRY(walk.run(opened, "", path, 0));
    return selection;
  }
  if (S_ISREG(top.status.st_mode)) {
    selection.bytes = static_cast<std::uint64_t>(top.status.st_size);
    const Fd file = TRY(selection.open(top));
    top.xattrs = TRY(read_xattrs(file));
    top.content = TRY(hash_file(file));
  } else if (S_ISSOCK(top.status.st_mode)) {
    return fail(ErrorKind::invalid_argument, "'", path, "' is a socket, which images cannot hold");
  }
  selection.entries.push_back(std::move(top));
  return selection;
}

// All paths below the root that fit; the search begins where the pattern stops being ordinary.
Result<std::vector<std::string>> Tree::expand(const std::string& text) const {
  const PathPattern pattern = TRY(PathPattern::parse(text));
  std::string start;
  for (const std::string_view part : split(text, '/')) {
    const PathPattern piece = TRY(PathPattern::parse(part));
    if (piece.has_wildcards() || part.find('\\') != std::string_view::npos) break;
    start = joined(start, part);
  }
  std::vector<std::string> paths;
  if (start == text) return paths;
  const Result<Fd> top =
      file::open_in_root(root_, start.empty() ? "." : start, O_RDONLY | O_DIRECTORY);
  if (!top.ok()) return paths;
  const bool deep = text.find("**") != std::string::npos;
  const auto levels = static_cast<std::size_t>(std::ranges::count(text, '/'));
  const std::function<Result<void>(FdRef, const std::string&, int)> search =
      [&](FdRef directory, const std::string& whole, int depth) -> Result<void> {
    if (depth > TreeLimits{}.depth) return fail(ErrorKind::exhausted, "too many levels");
    const std::vector<std::string> names = TRY(file::list(directory));
    for (const std::string& name : names) {
      const std::string path = joined(whole, name);
      const bool out = ignored_ != nullptr && ignored_->excludes(path);
      if (out && !ignored_->lets_in()) continue;
      if (!out && pattern.matches(path)) paths.push_back(path);
      const auto level = static_cast<std::size_t>(std::ranges::count(path, '/'));
      if (!deep && level >= levels) continue;
      const struct stat status = TRY(file::stat_at(directory, name));
      if (!S_ISDIR(status.st_mode)) continue;
      const Fd child = TRY(file::open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      TRY(search(child, path, depth + 1));
    }
    return {};
  };
  TRY(search(top.value(), start, 0));
  return paths;
}

Result<Selection> Tree::select_path(const std::string& path) const {
  Result<Selection> selection = select_one(clean_path(path), IgnoreList());
  if (selection.ok()) return selection;
  return std::move(selection).error().with_context(cat("'", printable(path), "'"));
}

Result<std::vector<Selection>> Tree::select(const std::string& source,
                                            const IgnoreList& excluded) const {
  const std::string cleaned = clean_path(source);
  std::vector<Selection> selections;
  const PathPattern pattern = TRY(PathPattern::parse(cleaned));
  std::vector<std::string> paths = {cleaned};
  if (pattern.has_wildcards()) {
    paths = TRY(expand(cleaned));
    if (paths.empty()) {
      return fail(ErrorKind::not_found, "nothing in the source fits '", printable(source), "'");
    }
  }
  for (const std::string& path : paths) {
    if (excluded.excludes(path) && !excluded.lets_in()) continue;
    Result<Selection> selection = select_one(path, excluded);
    if (!selection.ok()) {
      return std::move(selection).error().with_context(cat("'", printable(source), "'"));
    }
    selections.push_back(selection.take());
  }
  return selections;
}

}  // namespace proa::build
