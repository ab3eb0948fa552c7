#include "image/layer/erofs_writer.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>

#include "base/number.h"
#include "image/layer/erofs_directory.h"
#include "image/layer/erofs_format.h"
#include "image/layer/tree_order.h"

namespace proa::image {
namespace {

using erofs::kBlock;

// Inode number 0 would look like a free entry to programs that read directories.
constexpr std::uint64_t kFirstInode = 2 * erofs::kSlot;

// Where one inode goes, in the order of the walk.
struct Placement {
  std::uint64_t position;                 // from the start of the inodes
  std::uint64_t size;                     // of a directory or link
  std::uint32_t block = erofs::kNoBlock;  // of its whole blocks, from the start of these
  bool is_inlined = false;
};

class TreeWriter {
 public:
  TreeWriter(LayerTree& tree, ImageFile& image)
      : tree_(tree), image_(image), order_(tree), placements_(order_.inodes().size()) {}

  Result<void> write();
  Result<std::uint64_t> write_super(const Digest& diff_id, std::uint64_t tar_bytes);
  WrittenTree summary() const;

 private:
  void place_all();
  void place(InodeId id, Placement& placement);
  bool fits(std::uint64_t position, std::uint64_t head, std::uint64_t tail) const;
  Result<void> write_blocks();
  Result<void> write_inodes();
  Result<void> write_inode(InodeId id, const Placement& placement, std::uint32_t serial);
  Result<void> write_chunk_map(const TreeInode& inode);
  erofs::Inode encode(const TreeInode& inode, const Placement& placement,
                      std::uint32_t serial) const;
  std::string content(InodeId id) const;
  std::string xattr_body(const TreeInode& inode) const;
  std::uint64_t xattr_size(const TreeInode& inode) const;

  LayerTree& tree_;
  ImageFile& image_;
  TreeOrder order_;
  std::vector<Placement> placements_;
  std::uint64_t metadata_offset_ = 0;
  std::uint64_t inodes_offset_ = 0;
  std::uint32_t blocks_ = 0;
  std::uint64_t inode_bytes_ = kFirstInode;
  Digest metadata_ = Digest::of(std::string_view());
};

std::uint64_t chunk_count(const TreeInode& inode, const SparseMap& map) {
  const unsigned bits = erofs::kBlockBits + map.chunk_bits;
  return (inode.size + (std::uint64_t{1} << bits) - 1) >> bits;
}

std::uint64_t TreeWriter::xattr_size(const TreeInode& inode) const {
  const std::size_t body =
      tree_.xattrs(inode).size() + (inode.is_opaque ? opaque_xattrs().size() : 0);
  return body == 0 ? 0 : sizeof(erofs::XattrHeader) + body;
}

std::string TreeWriter::xattr_body(const TreeInode& inode) const {
  std::string body;
  if (xattr_size(inode) == 0) return body;
  body.append(text_of(bytes_of(erofs::XattrHeader())));
  if (inode.is_opaque) body.append(opaque_xattrs());
  return body.append(tree_.xattrs(inode));
}

bool TreeWriter::fits(std::uint64_t position, std::uint64_t head, std::uint64_t tail) const {
  const std::uint64_t tail_start = (position + head) % kBlock;
  return position % kBlock + sizeof(erofs::Inode) <= kBlock && tail_start + tail <= kBlock;
}

// The kernel takes an inode, and the tail that follows it, only within one block.
void TreeWriter::place(InodeId id, Placement& placement) {
  const TreeInode& inode = tree_.inode(id);
  std::uint64_t whole = 0;
  std::uint64_t tail = 0;
  if (S_ISDIR(inode.mode) || S_ISLNK(inode.mode)) {
    placement.size =
        S_ISLNK(inode.mode) ? inode.size : erofs::directory_size(tree_, order_.children(id));
    whole = placement.size / kBlock;
    tail = placement.size % kBlock;
    placement.is_inlined = tail != 0;
  }
  const std::uint64_t head = sizeof(erofs::Inode) + xattr_size(inode);
  placement.position = align_up(inode_bytes_, erofs::kSlot);
  if (!fits(placement.position, head, tail)) {
    placement.position = align_up(placement.position, kBlock);
    if (!fits(placement.position, head, tail)) {
      placement.is_inlined = false;
      ++whole;
      tail = 0;
    }
  }
  if (whole != 0) {
    placement.block = blocks_;
    blocks_ += static_cast<std::uint32_t>(whole);
  }
  inode_bytes_ = placement.position + head + tail;
  if (inode.is_sparse) inode_bytes_ += 4 * chunk_count(inode, tree_.sparse_map(inode));
}

void TreeWriter::place_all() {
  for (std::size_t index = 0; index < placements_.size(); ++index) {
    const InodeId id = order_.inodes()[index];
    place(id, placements_[index]);
    tree_.inode(id).number = placements_[index].position / erofs::kSlot;
  }
}

std::string TreeWriter::content(InodeId id) const {
  const TreeInode& inode = tree_.inode(id);
  if (S_ISLNK(inode.mode)) return std::string(tree_.link_target(inode));
  return erofs::encode_directory(tree_, id, order_.children(id));
}

Result<void> TreeWriter::write() {
  place_all();
  metadata_offset_ = image_.offset();
  inodes_offset_ = metadata_offset_ + blocks_ * kBlock;
  const std::uint64_t end = inodes_offset_ + inode_bytes_;
  if (end / kBlock >= std::numeric_limits<std::uint32_t>::max()) {
    return fail(ErrorKind::exhausted, "layer file of more than 2^32 blocks");
  }
  image_.begin_digest();
  TRY(write_blocks());
  TRY(write_inodes());
  TRY(image_.align_to_block());
  metadata_ = image_.take_digest();
  return {};
}

Result<void> TreeWriter::write_blocks() {
  for (std::size_t index = 0; index < placements_.size(); ++index) {
    const Placement& placement = placements_[index];
    if (placement.block == erofs::kNoBlock) continue;
    const std::string bytes = content(order_.inodes()[index]);
    const std::size_t whole =
        placement.is_inlined ? bytes.size() - bytes.size() % kBlock : bytes.size();
    TRY(image_.append(bytes_of(std::string_view(bytes).substr(0, whole))));
    TRY(image_.align_to_block());
  }
  return {};
}

Result<void> TreeWriter::write_inodes() {
  for (std::uint32_t index = 0; index < placements_.size(); ++index) {
    TRY(image_.skip_to(inodes_offset_ + placements_[index].position));
    TRY(write_inode(order_.inodes()[index], placements_[index], index + 1));
  }
  return {};
}

Result<void> TreeWriter::write_inode(InodeId id, const Placement& placement, std::uint32_t serial) {
  const TreeInode& inode = tree_.inode(id);
  const erofs::Inode encoded = encode(inode, placement, serial);
  TRY(image_.append(bytes_of(encoded)));
  TRY(image_.append(bytes_of(xattr_body(inode))));
  if (inode.is_sparse) return write_chunk_map(inode);
  if (!placement.is_inlined) return {};
  const std::string bytes = content(id);
  return image_.append(bytes_of(std::string_view(bytes).substr(bytes.size() / kBlock * kBlock)));
}

Result<void> TreeWriter::write_chunk_map(const TreeInode& inode) {
  const SparseMap& map = tree_.sparse_map(inode);
  std::vector<Le32> blocks(chunk_count(inode, map), Le32(erofs::kHole));
  for (std::uint32_t index = 0; index < map.runs; ++index) {
    const ChunkRun& run = tree_.run(map.first_run + index);
    for (std::uint32_t chunk = 0; chunk < run.count; ++chunk) {
      blocks[run.first + chunk] = run.block + (chunk << map.chunk_bits);
    }
  }
  return image_.append(std::as_bytes(std::span(blocks)));
}

erofs::Inode TreeWriter::encode(const TreeInode& inode, const Placement& placement,
                                std::uint32_t serial) const {
  erofs::Layout layout = placement.is_inlined ? erofs::Layout::inlined : erofs::Layout::flat;
  std::uint32_t where = erofs::kNoBlock;
  if (placement.block != erofs::kNoBlock) {
    where = static_cast<std::uint32_t>(metadata_offset_ / kBlock) + placement.block;
  }
  if (S_ISREG(inode.mode) && inode.size != 0) where = inode.where;
  if (S_ISCHR(inode.mode) || S_ISBLK(inode.mode)) where = inode.where;
  if (inode.is_sparse) {
    layout = erofs::Layout::chunks;
    where = tree_.sparse_map(inode).chunk_bits;
  }
  const std::uint64_t xattrs = xattr_size(inode);
  erofs::Inode encoded = {};
  encoded.format = erofs::inode_format(layout);
  encoded.xattr_count =
      static_cast<std::uint16_t>(xattrs == 0 ? 0 : 1 + (xattrs - sizeof(erofs::XattrHeader)) / 4);
  encoded.mode = inode.mode;
  encoded.size = S_ISREG(inode.mode) ? inode.size : placement.size;
  encoded.where = where;
  encoded.serial = serial;
  encoded.uid = inode.uid;
  encoded.gid = inode.gid;
  encoded.mtime = static_cast<std::uint64_t>(inode.mtime_seconds);
  encoded.mtime_nanoseconds = inode.mtime_nanoseconds;
  encoded.links = inode.links;
  return encoded;
}

WrittenTree TreeWriter::summary() const {
  WrittenTree written = {.inodes = placements_.size()};
  for (const InodeId id : order_.inodes()) {
    written.largest_uid = std::max(written.largest_uid, tree_.inode(id).uid);
    written.largest_gid = std::max(written.largest_gid, tree_.inode(id).gid);
  }
  return written;
}

// Gives the length of the file. Until the block of the superblock is there nothing is a layer.
Result<std::uint64_t> TreeWriter::write_super(const Digest& diff_id, std::uint64_t tar_bytes) {
  const std::uint64_t end = image_.offset();
  const std::uint64_t length = align_up(end, erofs::kAlignment);
  TRY(image_.finish(length));
  const WrittenTree written = summary();

  erofs::SuperBlock super = {};
  super.magic = erofs::kMagic;
  super.compatible = erofs::kCompatChecksum | erofs::kCompatMtime;
  super.block_bits = erofs::kBlockBits;
  super.root = static_cast<std::uint16_t>(tree_.inode(LayerTree::kRoot).number);
  super.inodes = written.inodes;
  super.blocks = static_cast<std::uint32_t>(end / kBlock);
  super.meta_block = static_cast<std::uint32_t>(inodes_offset_ / kBlock);
  std::ranges::transform(std::span(diff_id.bytes()).first<16>(), super.uuid.begin(),
                         [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  // RFC 9562, 5.8: version 8, made by rules of one's own.
  super.uuid[6] = static_cast<std::uint8_t>((super.uuid[6] & 0x0f) | 0x80);
  super.uuid[8] = static_cast<std::uint8_t>((super.uuid[8] & 0x3f) | 0x80);
  const auto is_sparse = [this](InodeId id) { return tree_.inode(id).is_sparse; };
  super.incompatible = std::ranges::any_of(order_.inodes(), is_sparse) ? erofs::kIncompatChunks : 0;

  erofs::Note note = {};
  std::ranges::copy(erofs::kNoteMagic, note.magic.begin());
  note.version = erofs::kNoteVersion;
  note.largest_uid = written.largest_uid;
  note.largest_gid = written.largest_gid;
  note.tar_bytes = tar_bytes;
  note.metadata_offset = metadata_offset_;
  note.metadata_bytes = end - metadata_offset_;
  note.metadata_digest = metadata_.bytes();
  note.diff_id = diff_id.bytes();

  std::vector<std::byte> block(kBlock - erofs::kSuperOffset);
  std::memcpy(block.data(), &super, sizeof super);
  std::memcpy(block.data() + erofs::kNoteOffset - erofs::kSuperOffset, &note, sizeof note);
  super.checksum = erofs::checksum(block);
  std::memcpy(block.data(), &super, sizeof super);
  TRY(image_.write_at(block, erofs::kSuperOffset), "layer file");
  return length;
}

}  // namespace

Result<WrittenTree> write_tree(LayerTree& tree, ImageFile& image, const Digest& diff_id,
                               std::uint64_t tar_bytes) {
  TreeWriter writer(tree, image);
  TRY(writer.write());
  const std::uint64_t length = TRY(writer.write_super(diff_id, tar_bytes));
  WrittenTree written = writer.summary();
  written.image_bytes = length;
  return written;
}

}  // namespace proa::image
