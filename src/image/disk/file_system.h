// An ext4 file system in a file, read through libext2fs: what its callers need, with its error
// codes turned into errors. Every number comes from the disk.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "image/tar/entry.h"

struct struct_ext2_filsys;
struct ext2_file;

namespace proa::image {

using InodeNumber = std::uint32_t;

// One inode, copied out.
struct DiskInode {
  std::uint32_t mode = 0;  // with the type
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t links = 0;
  std::uint64_t size = 0;
  std::int64_t mtime_seconds = 0;
  std::uint32_t mtime_nanoseconds = 0;
  std::uint32_t major = 0, minor = 0;  // of devices
};

// A file's content. Owner: the file system outlives it. Thread: one at a time.
class DiskFile {
 public:
  // Fills all of `buffer`. Errors: corrupt (the file ends before, a damage)
  Result<void> read(std::uint64_t offset, MutableByteSpan buffer);

 private:
  friend class DiskFileSystem;
  struct Close {
    void operator()(ext2_file* file) const;
  };
  explicit DiskFile(ext2_file* file) : file_(file) {}
  std::unique_ptr<ext2_file, Close> file_;
};

// Errors of all calls: corrupt, exhausted (a limit that is given)
// Thread: one at a time.
class DiskFileSystem {
 public:
  // Owner:  keeps a copy of the descriptor
  // Errors: also unsupported (features that libext2fs does not know; a journal to be replayed)
  static Result<DiskFileSystem> open(FdRef disk);

  // A name in the root directory; links are not followed.
  Result<std::optional<InodeNumber>> find_in_root(const std::string& name) const;
  Result<DiskInode> inode(InodeNumber number) const;
  // All names but "." and "..".
  Result<std::vector<std::pair<std::string, InodeNumber>>> list(InodeNumber directory,
                                                                std::uint64_t limit) const;
  Result<std::vector<Xattr>> xattrs(InodeNumber number) const;
  Result<std::string> link_target(InodeNumber number, std::size_t limit) const;
  // The parts of a file that are no holes, in order and apart.
  Result<std::vector<SparsePiece>> pieces(InodeNumber number, std::size_t limit) const;
  Result<DiskFile> open(InodeNumber number) const;

 private:
  struct Close {
    void operator()(struct_ext2_filsys* disk) const;
  };
  explicit DiskFileSystem(struct_ext2_filsys* disk) : disk_(disk) {}

  std::unique_ptr<struct_ext2_filsys, Close> disk_;
};

}  // namespace proa::image
