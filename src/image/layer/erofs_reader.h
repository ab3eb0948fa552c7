// ErofsReader reads files and directories out of a layer file without mounting it. It reads what
// LayerWriter writes (uncompressed, 4 KiB blocks) and refuses other features of EROFS.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"

namespace proa::image {

// What the layer file says about itself beside the file system.
struct LayerNote {
  Digest diff_id;
  std::uint64_t tar_bytes;
  std::uint32_t largest_uid;
  std::uint32_t largest_gid;
  std::uint64_t metadata_offset;  // from here to the end of the file system: all but file data
  std::uint64_t metadata_bytes;
  Digest metadata;
};

// One inode, copied out and checked.
struct ErofsInode {
  std::uint64_t number;  // its place: what stat(2) shows as st_ino, and other calls here take
  std::uint32_t mode;    // type and permissions, as st_mode
  std::uint32_t uid;
  std::uint32_t gid;
  std::uint32_t links;
  std::uint64_t size;
  std::int64_t mtime_seconds;
  std::uint32_t mtime_nanoseconds;
  std::uint32_t device;  // of device nodes: (minor & 0xff) | major << 8 | (minor & ~0xff) << 12

  // How and where the bytes lie.
  enum class Layout : std::uint8_t { flat, inlined, chunks } layout;
  std::uint64_t place;      // flat, inlined: offset of the first whole block in the file
  std::uint64_t tail;       // inlined: offset of what follows the whole blocks; chunks: of the map
  std::uint8_t chunk_bits;  // chunks: log2 of a chunk's bytes
  std::uint32_t xattr_bytes;
};

struct ErofsEntry {
  std::string name;
  std::uint64_t inode;
};

// Every number in the file is treated as hostile: offsets are checked before use, memory is
// bounded by the limits the caller gives, and walks end.
//
// Owner:  holds the descriptor. Thread: any number at once (pread only).
class ErofsReader {
 public:
  // Errors: corrupt (no EROFS, wrong checksum), unsupported (features LayerWriter does not write)
  static Result<ErofsReader> open(Fd file);

  const LayerNote& note() const { return note_; }
  FdRef file() const { return file_; }
  std::uint64_t root() const { return root_; }
  // Bytes of the file system; the file itself is longer.
  std::uint64_t size() const { return size_; }
  std::uint64_t inodes() const { return inodes_; }

  Result<ErofsInode> inode(std::uint64_t number) const;
  // All entries but "." and "..", in byte order.
  //
  // Errors: corrupt, exhausted (more than `limit` entries)
  Result<std::vector<ErofsEntry>> list(const ErofsInode& directory, std::size_t limit) const;
  // Finds one name in a directory by binary search.
  //
  // Errors: not_found, corrupt
  Result<std::uint64_t> find(const ErofsInode& directory, std::string_view name) const;
  // Walks `path` from the root; links are followed inside the layer, also at the end.
  //
  // Errors: not_found, invalid_argument (40 links, a parent that is no directory), corrupt
  Result<ErofsInode> look_up(std::string_view path) const;
  // Fills the front of `buffer` from `offset` of a file or link; gives the count, 0 at the end.
  Result<std::size_t> read(const ErofsInode& file, std::uint64_t offset,
                           MutableByteSpan buffer) const;
  // The whole content of a file or link.
  //
  // Errors: exhausted (more than `limit` bytes), corrupt
  Result<std::string> read_all(const ErofsInode& file, std::size_t limit) const;
  // Full names ("security.capability") and values.
  Result<std::vector<std::pair<std::string, std::string>>> xattrs(const ErofsInode& inode) const;

 private:
  ErofsReader(Fd file, const LayerNote& note) : file_(std::move(file)), note_(note) {}

  Fd file_;
  LayerNote note_;
  std::uint64_t meta_offset_ = 0;
  std::uint64_t root_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t inodes_ = 0;
};

}  // namespace proa::image
