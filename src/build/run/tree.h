// Trees of files as sources of COPY: a context, the root of a stage, an unpacked archive. Paths are
// resolved with the tree as the root directory, so nothing outside it is ever read.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"
#include "build/cache/database.h"
#include "build/parse/ignore.h"
#include "image/tar/entry.h"

namespace proa::build {

// One file of a selection.
struct TreeEntry {
  std::string path;  // below the selection's top; "" for the top itself
  struct stat status{};
  std::string link;  // target of a symbolic link
  std::vector<image::Xattr> xattrs;
  std::optional<Digest> content;  // of a regular file
};

// What one source of a COPY names: a file, or a directory with all below it.
struct Selection {
  std::string name;                // last component of the source, as it was written
  std::string path;                // below the tree's root, links as they were written
  Fd top;                          // O_PATH; the directory, or the file
  std::vector<TreeEntry> entries;  // parents first, by name; the top is the first one
  std::uint64_t bytes = 0;

  bool is_directory() const { return S_ISDIR(entries.front().status.st_mode); }
  // Opens a regular file of it for reading.
  Result<Fd> open(const TreeEntry& entry) const;
};

// Remembers digests of a context's files from build to build.
// Thread: any. Owner: the build.
class DigestTable {
 public:
  static Result<std::unique_ptr<DigestTable>> open(Database& database, std::string context);
  // The digest of the file `path`, read only where it changed since it was last read.
  Result<Digest> digest(const std::string& path, FdRef directory, const std::string& name,
                        const struct stat& status);
  // Writes down what was learned; without news nothing is written.
  Result<void> save();

 private:
  DigestTable(Database& database, std::string context, KnownFiles known)
      : database_(database), context_(std::move(context)), known_(std::move(known)) {}

  Database& database_;
  std::string context_;
  std::mutex mutex_;
  KnownFiles known_;  // guarded
  bool changed_ = false;
};

struct TreeLimits {
  std::size_t entries = 2'000'000;
  int depth = 128;
};

// Thread: any. Owner: the build; borrows ignore list and table.
class Tree {
 public:
  Tree(Fd root, const IgnoreList* ignored, DigestTable* table)
      : root_(std::move(root)), ignored_(ignored), table_(table) {}

  FdRef root() const { return root_; }

  // Whether `path` is there and not left out by the ignore list.
  Result<bool> has(const std::string& path) const;
  // All that a source of COPY names, with what `excluded` leaves out left out. The last link is
  // followed too, as COPY does.
  //
  // Errors: not_found (names the source), exhausted (limits), invalid_argument (sockets)
  Result<std::vector<Selection>> select(const std::string& source,
                                        const IgnoreList& excluded) const;
  // As select(), of one path that is no pattern.
  Result<Selection> select_path(const std::string& path) const;
  // A file's content at most `limit` bytes; for .dockerignore and the Dockerfile.
  Result<std::string> read(const std::string& path, std::size_t limit) const;

 private:
  struct Walk;
  Result<Selection> select_one(const std::string& path, const IgnoreList& excluded) const;
  Result<std::vector<std::string>> expand(const std::string& pattern) const;

  Fd root_;
  const IgnoreList* ignored_;
  DigestTable* table_;
};

// The extended attributes of a file that images keep (security.capability, user.*).
Result<std::vector<image::Xattr>> read_xattrs(FdRef file);

}  // namespace proa::build
