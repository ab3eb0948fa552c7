// What an overlay's upper directory changed.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "hull/files/files.h"
#include "kernel/file/file.h"

namespace proa::hull::files {
namespace {

constexpr int kMaxDepth = 400;  // each directory keeps two descriptors open
constexpr std::size_t kMaxChanges = 1 << 20;

bool is_whiteout(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0);
}

// Hides all that the layers below have in it.
bool is_opaque(FdRef directory) {
  char value = 0;
  return ::fgetxattr(directory.get(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

// As docker: a directory's size and time say nothing.
bool differs(const struct stat& now, const struct stat& before) {
  if (now.st_mode != before.st_mode || now.st_uid != before.st_uid || now.st_gid != before.st_gid ||
      now.st_rdev != before.st_rdev) {
    return true;
  }
  if (S_ISDIR(now.st_mode)) return false;
  return now.st_size != before.st_size || now.st_mtim.tv_sec != before.st_mtim.tv_sec ||
         now.st_mtim.tv_nsec != before.st_mtim.tv_nsec;
}

std::optional<struct stat> look(const std::optional<FdRef>& directory, const std::string& name) {
  if (!directory) return std::nullopt;
  const Result<struct stat> status = file::stat_at(*directory, name);
  if (!status.ok()) return std::nullopt;
  return status.value();
}

class Comparison {
 public:
  explicit Comparison(const std::set<std::string>& hidden) : hidden_(hidden) {}

  // `base` absent: nothing was there before.
  Result<void> compare(FdRef upper, std::optional<FdRef> base, const std::string& path, int depth);
  std::vector<wire::Change> take() {
    std::ranges::sort(changes_, {}, &wire::Change::path);
    return std::move(changes_);
  }

 private:
  Result<void> add(wire::ChangeKind kind, const std::string& path) {
    if (hidden_.contains(path)) return {};
    if (changes_.size() >= kMaxChanges) {
      return fail(ErrorKind::exhausted, "more than ", kMaxChanges, " changes");
    }
    changes_.push_back({kind, path});
    return {};
  }
  Result<void> compare_one(FdRef upper, std::optional<FdRef> base, const std::string& name,
                           const std::string& path, int depth);
  Result<void> compare_directories(FdRef upper, std::optional<FdRef> base, const std::string& name,
                                   const std::string& path, bool is_modified, int depth);
  // All of a directory of the layers but what `kept` has.
  Result<void> delete_children(FdRef base, const std::vector<std::string>& kept,
                               const std::string& path);

  const std::set<std::string>& hidden_;
  std::vector<wire::Change> changes_;
};

Result<void> Comparison::delete_children(FdRef base, const std::vector<std::string>& kept,
                                         const std::string& path) {
  for (const std::string& name : TRY(file::list(base))) {
    if (std::ranges::binary_search(kept, name)) continue;
    TRY(add(wire::ChangeKind::deleted, cat(path, "/", name)));
  }
  return {};
}

Result<void> Comparison::compare(FdRef upper, std::optional<FdRef> base, const std::string& path,
                                 int depth) {
  if (depth > kMaxDepth) {
    return fail(ErrorKind::exhausted, "'", printable(path), "' is nested too deep");
  }
  const std::vector<std::string> names = TRY(file::list(upper));
  for (const std::string& name : names) {
    TRY(compare_one(upper, base, name, cat(path, "/", name), depth));
  }
  if (base && is_opaque(upper)) TRY(delete_children(*base, names, path));
  return {};
}

Result<void> Comparison::compare_one(FdRef upper, std::optional<FdRef> base,
                                     const std::string& name, const std::string& path, int depth) {
  const Result<struct stat> looked = file::stat_at(upper, name);
  if (!looked.ok()) {
    if (looked.error().errno_code() == ENOENT) return {};  // removed since the list was read
    return looked.error();
  }
  const struct stat& now = looked.value();
  const std::optional<struct stat> before = look(base, name);
  if (is_whiteout(now)) {
    return before ? add(wire::ChangeKind::deleted, path) : Result<void>();
  }
  if (S_ISDIR(now.st_mode)) {
    if (!before) TRY(add(wire::ChangeKind::added, path));
    const bool is_modified = before && differs(now, *before);
    const bool both = before && S_ISDIR(before->st_mode);
    return compare_directories(upper, both ? base : std::nullopt, name, path, is_modified, depth);
  }
  if (!before) return add(wire::ChangeKind::added, path);
  if (!differs(now, *before)) return {};
  TRY(add(wire::ChangeKind::modified, path));
  if (!S_ISDIR(before->st_mode)) return {};
  const Fd gone = TRY(file::open_at(*base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return delete_children(gone, {}, path);
}

Result<void> Comparison::compare_directories(FdRef upper, std::optional<FdRef> base,
                                             const std::string& name, const std::string& path,
                                             bool is_modified, int depth) {
  const Fd now = TRY(file::open_at(upper, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  Fd before;
  if (base) before = TRY(file::open_at(*base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  const std::size_t count = changes_.size();
  const auto below = before.valid() ? std::optional<FdRef>(before) : std::nullopt;
  TRY(compare(now, below, path, depth + 1));
  const bool has_changes = changes_.size() > count;
  if (is_modified || (has_changes && before.valid())) {
    return add(wire::ChangeKind::modified, path);
  }
  return {};
}

}  // namespace

Result<std::vector<wire::Change>> compare(FdRef upper, FdRef base,
                                          const std::set<std::string>& hidden) {
  Comparison comparison(hidden);
  TRY(comparison.compare(upper, base, "", 0));
  return comparison.take();
}

}  // namespace proa::hull::files
