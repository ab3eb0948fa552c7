// LayerTree is the file system of one layer, built in memory from tar entries in their order.
// Paths are resolved here and nowhere else: nothing an archive says ever touches the host's tree.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "image/layer/erofs_format.h"
#include "image/layer/name_index.h"
#include "image/layer/text_pool.h"
#include "image/limits.h"
#include "image/tar/entry.h"

namespace proa::image {

using InodeId = std::uint32_t;

// Compact: a layer may have millions. Thread: a value.
struct TreeInode {
  std::uint64_t size = 0;  // file, link
  std::int64_t mtime_seconds = 0;
  std::uint32_t mtime_nanoseconds = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t where = 0;   // file: first block; device: its number
  std::uint32_t xattrs = 0;  // place in the tree's list, 0 for none
  std::uint32_t extra = 0;   // directory: parent; link: place of the target; sparse: its map
  std::uint32_t links = 0;   // counted when all is there
  std::uint16_t mode = 0;    // with the type
  bool is_opaque = false;    // directory: hides what lower layers have in it
  bool is_sparse = false;
  std::uint64_t number = 0;  // in the layer file, given when all is there
};

struct TreeEntry {
  InodeId directory;
  InodeId inode;
  std::uint32_t name;
  std::uint8_t name_bytes;
};

// A run of neighbouring chunks of a sparse file that lie together in the layer file.
struct ChunkRun {
  std::uint32_t first;
  std::uint32_t count;
  std::uint32_t block;
};
struct SparseMap {
  std::uint8_t chunk_bits;  // log2 of a chunk's blocks
  std::uint32_t first_run;
  std::uint32_t runs;
};

// Rules, the same as docker's when it unpacks: the last entry of a path wins; directories merge;
// missing parents are made (0755, 0:0, time 0); ".." may not leave the root; absolute paths begin
// at the root; parents that are links are followed inside the tree.
// Thread: one at a time.
class LayerTree {
 public:
  static constexpr InodeId kRoot = 0;
  // All whiteouts are links to one inode.
  static constexpr InodeId kWhiteout = 1;

  explicit LayerTree(const LayerLimits& limits);

  // Adds an entry; gives the inode that its content belongs to where it is a file.
  //
  // Errors: corrupt (leaves the root, a parent that is no directory, hard link to nothing or to a
  //         directory, name too long), exhausted (a limit)
  Result<std::optional<InodeId>> add(const TarEntry& entry);
  // Notes where a sparse file's chunks lie.
  Result<void> set_sparse(InodeId file, std::uint8_t chunk_bits, const std::vector<ChunkRun>& runs);

  TreeInode& inode(InodeId id) { return inodes_[id]; }
  const TreeInode& inode(InodeId id) const { return inodes_[id]; }
  std::size_t inode_count() const { return inodes_.size(); }
  const std::deque<TreeEntry>& entries() const { return entries_; }
  std::string_view name(const TreeEntry& entry) const {
    return texts_.get(entry.name, entry.name_bytes);
  }
  std::string_view link_target(const TreeInode& inode) const {
    return texts_.get(inode.extra, static_cast<std::size_t>(inode.size));
  }
  // As they stand on disk, without their header; the opaque marks are not among them.
  std::string_view xattrs(const TreeInode& inode) const { return xattrs_[inode.xattrs]; }
  const SparseMap& sparse_map(const TreeInode& inode) const { return sparse_maps_[inode.extra]; }
  const ChunkRun& run(std::uint32_t index) const { return runs_[index]; }

 private:
  enum class Missing : bool { make, fail };
  // Where an entry goes: `name` is empty for the root itself.
  struct Place {
    InodeId directory;
    std::string_view name;
  };

  // What following one path has taken so far.
  struct Walk {
    int links = 0;
    int steps = 0;
  };

  Result<Place> resolve(std::string_view path, Missing missing);
  Result<InodeId> enter(InodeId directory, std::string_view name, Missing missing, Walk& walk);
  Result<InodeId> follow(InodeId directory, InodeId link, Missing missing, Walk& walk);
  Result<InodeId> make_implied(InodeId directory, std::string_view name);
  Result<void> add_marker(const Place& place);
  Result<void> add_hard_link(const Place& place, const std::string& target);
  Result<void> set_metadata(InodeId id, const TarEntry& entry);
  Result<std::uint32_t> intern_xattrs(const std::vector<Xattr>& xattrs);
  Result<InodeId> make_inode(std::uint16_t mode);
  Result<void> bind(const Place& place, InodeId inode);
  std::optional<InodeId> find(InodeId directory, std::string_view name) const;
  Result<std::uint32_t> keep(std::string_view text);
  Result<void> charge(std::size_t bytes);
  bool is_directory(InodeId id) const;

  LayerLimits limits_;
  std::uint64_t charged_ = 0;
  TextPool texts_;
  std::deque<TreeInode> inodes_;
  std::deque<TreeEntry> entries_;
  NameIndex index_;
  std::vector<std::string_view> xattrs_;
  std::unordered_map<std::string_view, std::uint32_t> xattr_ids_;
  std::vector<SparseMap> sparse_maps_;
  std::deque<ChunkRun> runs_;
};

// The types that the mode of `entry` gets.
std::uint16_t mode_of(const TarEntry& entry);
// Encodes attributes as they stand on disk; those of other families than kXattrPrefixes, which no
// Linux file system takes, and overlay's own marks, which only the converter may set, are left out.
//
// Errors: exhausted (more than `limit` bytes), corrupt (name or value too long)
Result<std::string> encode_xattrs(const std::vector<Xattr>& xattrs, std::size_t limit);
// The marks of an opaque directory, for overlay mounts with and without `userxattr`.
std::string_view opaque_xattrs();

}  // namespace proa::image
