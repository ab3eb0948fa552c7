#include "kernel/file/temp_dir.h"

#include <utility>

#include "base/id.h"
#include "kernel/file/file.h"

namespace proa::file {

Result<TempDir> TempDir::create(const std::string& parent, const std::string& prefix) {
  std::string path = cat(parent, "/", prefix, random_hex(12));
  TRY(make_directory(FdRef::cwd(), path, 0700));
  return TempDir(std::move(path));
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = std::exchange(other.path_, {});
  }
  return *this;
}

void TempDir::remove() {
  if (path_.empty()) return;
  discard(remove_tree(FdRef::cwd(), path_), "a destructor has nobody to tell");
  path_.clear();
}

}  // namespace proa::file
