#include "image/layer/erofs_reader.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>

#include "base/number.h"
#include "image/layer/erofs_format.h"
#include "kernel/file/file.h"

namespace proa::image {
namespace {

using erofs::kBlock;

constexpr int kMostLinks = 40;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 62;

template <typename Layout>
Result<Layout> read_layout(FdRef file, std::uint64_t offset) {
  Layout layout;
  TRY(file::read_exact_at(file, std::as_writable_bytes(std::span(&layout, 1)), offset),
      "layer file");
  return layout;
}

Error corrupt_inode(std::uint64_t number, std::string_view why) {
  return fail(ErrorKind::corrupt, "layer file: inode ", number, " ", why);
}

}  // namespace

Result<ErofsReader> ErofsReader::open(Fd file) {
  const struct stat status = TRY(file::stat(file), "layer file");
  const auto length = static_cast<std::uint64_t>(status.st_size);
  if (length < kBlock) return fail(ErrorKind::corrupt, "layer file: too short");
  std::vector<std::byte> block(kBlock - erofs::kSuperOffset);
  TRY(file::read_exact_at(file, block, erofs::kSuperOffset), "layer file");
  auto super = copy_from<erofs::SuperBlock>(block);
  if (super.magic != erofs::kMagic) return fail(ErrorKind::corrupt, "layer file: no EROFS");
  const std::uint32_t checksum = super.checksum;
  super.checksum = 0;
  std::memcpy(block.data(), &super, sizeof super);
  if (erofs::checksum(block) != checksum) {
    return fail(ErrorKind::corrupt, "layer file: the superblock's checksum is wrong");
  }
  const auto note =
      copy_from<erofs::Note>(ByteSpan(block).subspan(erofs::kNoteOffset - erofs::kSuperOffset));
  const bool is_ours =
      std::string_view(note.magic.data(), note.magic.size()) == erofs::kNoteMagic &&
      note.version == erofs::kNoteVersion;
  if (!is_ours || super.block_bits != erofs::kBlockBits ||
      (super.incompatible & ~erofs::kIncompatChunks) != 0) {
    return fail(ErrorKind::unsupported, "layer file: made by another program or version");
  }
  ErofsReader reader(std::move(file), {.diff_id = Digest(note.diff_id),
                                       .tar_bytes = note.tar_bytes,
                                       .largest_uid = note.largest_uid,
                                       .largest_gid = note.largest_gid,
                                       .metadata_offset = note.metadata_offset,
                                       .metadata_bytes = note.metadata_bytes,
                                       .metadata = Digest(note.metadata_digest)});
  reader.meta_offset_ = super.meta_block * kBlock;
  reader.root_ = super.root;
  reader.size_ = super.blocks * kBlock;
  reader.file_bytes_ = length;
  reader.inodes_ = super.inodes;
  if (reader.size_ > length || note.metadata_offset > reader.size_ ||
      note.metadata_bytes > reader.size_ - note.metadata_offset) {
    return fail(ErrorKind::corrupt, "layer file: cut off");
  }
  return reader;
}

Result<ErofsInode> ErofsReader::inode(std::uint64_t number) const {
  if (number > size_ / erofs::kSlot) return corrupt_inode(number, "lies outside");
  const std::uint64_t position = meta_offset_ + number * erofs::kSlot;
  const auto raw = TRY(read_layout<erofs::Inode>(file_, position));
  ErofsInode inode = {.number = number,
                      .mode = raw.mode,
                      .uid = raw.uid,
                      .gid = raw.gid,
                      .links = raw.links,
                      .size = raw.size,
                      .mtime_seconds = static_cast<std::int64_t>(raw.mtime.get()),
                      .mtime_nanoseconds = raw.mtime_nanoseconds,
                      .device = S_ISCHR(raw.mode) || S_ISBLK(raw.mode) ? raw.where.get() : 0,
                      .layout = ErofsInode::Layout::flat};
  if (inode.size > kMostBytes) return corrupt_inode(number, "is too large");
  if (raw.xattr_count != 0) {
    inode.xattr_bytes = static_cast<std::uint32_t>(sizeof(erofs::XattrHeader) +
                                                   4 * (raw.xattr_count - std::size_t{1}));
  }
  const std::uint64_t behind = position + sizeof(erofs::Inode) + inode.xattr_bytes;
  inode.place = raw.where * kBlock;
  if (raw.format == erofs::inode_format(erofs::Layout::inlined)) {
    inode.layout = ErofsInode::Layout::inlined;
    inode.tail = behind;
    if (behind % kBlock + inode.size % kBlock > kBlock) {
      return corrupt_inode(number, "has a tail across blocks");
    }
  } else if (raw.format == erofs::inode_format(erofs::Layout::chunks)) {
    inode.layout = ErofsInode::Layout::chunks;
    inode.tail = behind;
    inode.chunk_bits =
        static_cast<std::uint8_t>(erofs::kBlockBits + (raw.where & erofs::kChunkBitsMask));
    if ((raw.where & ~erofs::kChunkBitsMask) != 0) return corrupt_inode(number, "has other chunks");
  } else if (raw.format != erofs::inode_format(erofs::Layout::flat)) {
    return corrupt_inode(number, "has an unknown format");
  }
  return inode;
}

Result<std::size_t> ErofsReader::read(const ErofsInode& file, std::uint64_t offset,
                                      MutableByteSpan buffer) const {
  if (offset >= file.size) return 0;
  std::uint64_t count = std::min<std::uint64_t>(buffer.size(), file.size - offset);
  std::uint64_t position = file.place + offset;
  if (file.layout == ErofsInode::Layout::inlined) {
    const std::uint64_t whole = file.size / kBlock * kBlock;
    if (offset >= whole) {
      position = file.tail + offset - whole;
    } else {
      count = std::min(count, whole - offset);
    }
  } else if (file.layout == ErofsInode::Layout::chunks) {
    const std::uint64_t chunk = offset >> file.chunk_bits;
    const std::uint64_t chunk_bytes = std::uint64_t{1} << file.chunk_bits;
    const std::uint64_t within = offset & (chunk_bytes - 1);
    const auto block = TRY(read_layout<Le32>(file_, file.tail + 4 * chunk));
    count = std::min(count, chunk_bytes - within);
    if (block == erofs::kHole) {
      std::ranges::fill(buffer.first(static_cast<std::size_t>(count)), std::byte{0});
      return static_cast<std::size_t>(count);
    }
    position = block * kBlock + within;
  }
  if (position > file_bytes_ || count > file_bytes_ - position) {
    return corrupt_inode(file.number, "has data outside the file");
  }
  TRY(file::read_exact_at(file_, buffer.first(static_cast<std::size_t>(count)), position),
      "layer file");
  return static_cast<std::size_t>(count);
}

Result<std::string> ErofsReader::read_all(const ErofsInode& file, std::size_t limit) const {
  if (file.size > limit) {
    return fail(ErrorKind::exhausted, "a file of ", file.size, " bytes, at most ", limit,
                " are read");
  }
  std::string content(static_cast<std::size_t>(file.size), '\0');
  const MutableByteSpan bytes = std::as_writable_bytes(std::span(content.data(), content.size()));
  std::size_t done = 0;
  while (done < bytes.size()) done += TRY(read(file, done, bytes.subspan(done)));
  return content;
}

Result<ErofsInode> ErofsReader::look_up(std::string_view path) const {
  // What is still to be walked, the next component last; links put their targets on top.
  std::vector<std::string> rest;
  const auto push = [&rest](std::string_view text) {
    const std::vector<std::string_view> names = split(text, '/');
    rest.insert(rest.end(), names.rbegin(), names.rend());
  };
  push(path);
  std::vector<ErofsInode> above;
  ErofsInode current = TRY(inode(root_));
  for (int links = 0; !rest.empty();) {
    const std::string name = std::move(rest.back());
    rest.pop_back();
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      if (!above.empty()) {
        current = above.back();
        above.pop_back();
      }
      continue;
    }
    const std::uint64_t number = TRY(find(current, name), "'", printable(path), "'");
    const ErofsInode child = TRY(inode(number));
    if (!S_ISLNK(child.mode)) {
      above.push_back(current);
      current = child;
      continue;
    }
    if (++links > kMostLinks || rest.size() > kBlock) {
      return fail(ErrorKind::invalid_argument, "'", printable(path), "' has too many links");
    }
    const std::string target = TRY(read_all(child, kBlock));
    if (target.starts_with('/')) {
      above.clear();
      current = TRY(inode(root_));
    }
    push(target);
  }
  return current;
}

Result<std::vector<std::pair<std::string, std::string>>> ErofsReader::xattrs(
    const ErofsInode& inode) const {
  std::vector<std::pair<std::string, std::string>> found;
  if (inode.xattr_bytes == 0) return found;
  std::vector<std::byte> body(inode.xattr_bytes);
  TRY(file::read_exact_at(file_, body,
                          meta_offset_ + inode.number * erofs::kSlot + sizeof(erofs::Inode)),
      "layer file");
  if (copy_from<erofs::XattrHeader>(body).shared != 0) {
    return corrupt_inode(inode.number, "has shared attributes");
  }
  ByteSpan rest = ByteSpan(body).subspan(sizeof(erofs::XattrHeader));
  while (!rest.empty()) {
    const auto entry = copy_from<erofs::XattrEntry>(rest);  // four bytes: there are always so many
    const std::size_t name_end = sizeof entry + entry.name_bytes;
    const std::size_t end = name_end + entry.value_bytes;
    const auto prefix =
        std::ranges::find(erofs::kXattrPrefixes, entry.prefix, &erofs::XattrPrefix::index);
    if (end > rest.size() || prefix == erofs::kXattrPrefixes.end()) {
      return corrupt_inode(inode.number, "has damaged attributes");
    }
    const std::string_view text = text_of(rest);
    found.emplace_back(cat(prefix->text, text.substr(sizeof entry, entry.name_bytes)),
                       std::string(text.substr(name_end, entry.value_bytes)));
    rest = rest.subspan(std::min(rest.size(), align_up<std::size_t>(end, 4)));
  }
  return found;
}

}  // namespace proa::image
