#include "kernel/file/tree_size.h"

#include <fcntl.h>

#include <set>

#include "kernel/file/file.h"

namespace proa::file {
namespace {

// Directories below this depth are not entered: a hostile tree must not use up descriptors.
constexpr int kMaxDepth = 200;

Result<std::uint64_t> size_of(FdRef directory, std::set<ino_t>& linked, int depth) {
  std::uint64_t total = 0;
  for (const std::string& name : TRY(list(directory))) {
    const Result<struct stat> status = stat_at(directory, name);
    if (!status.ok()) continue;  // gone meanwhile
    const struct stat& entry = status.value();
    if (S_ISREG(entry.st_mode) && (entry.st_nlink == 1 || linked.insert(entry.st_ino).second)) {
      total += static_cast<std::uint64_t>(entry.st_size);
    }
    if (!S_ISDIR(entry.st_mode) || depth >= kMaxDepth) continue;
    const Result<Fd> below = open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (below.ok()) total += TRY(size_of(below.value(), linked, depth + 1));
  }
  return total;
}

}  // namespace

Result<std::uint64_t> tree_size(const std::string& path) {
  const Result<Fd> top = open(path, O_RDONLY | O_DIRECTORY);
  if (!top.ok()) return std::uint64_t{0};
  std::set<ino_t> linked;
  return size_of(top.value(), linked, 0);
}

}  // namespace proa::file
