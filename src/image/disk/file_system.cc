#include "image/disk/file_system.h"

#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/number.h"
#include "base/text.h"

namespace proa::image {
namespace {

Error damage(errcode_t code, std::string_view what) {
  return fail(ErrorKind::corrupt, "the disk's file system: ", what, ": ", ::error_message(code));
}

Result<void> check(errcode_t code, std::string_view what) {
  if (code == 0) return {};
  return damage(code, what);
}

// libext2fs calls back with plain pointers: what a walk gathers, and why it was stopped.
template <typename Item>
struct Gathered {
  std::vector<Item> items;
  std::uint64_t limit;
  std::optional<Error> error;
};

using Names = Gathered<std::pair<std::string, InodeNumber>>;

int on_name(ext2_ino_t /*directory*/, int entry, ext2_dir_entry* found, int /*offset*/,
            int /*block_size*/, char* /*buffer*/, void* data) {
  auto& names = *static_cast<Names*>(data);
  if (entry != DIRENT_OTHER_FILE) return 0;
  const auto length = static_cast<std::size_t>(::ext2fs_dirent_name_len(found));
  const std::string_view name(found->name, length);
  if (name.empty() || name == "." || name == ".." ||
      name.find_first_of(std::string_view("/\0", 2)) != std::string_view::npos) {
    names.error = fail(ErrorKind::corrupt, "an entry cannot be named '", printable(name), "'");
    return DIRENT_ABORT;
  }
  if (names.items.size() == names.limit) {
    names.error = fail(ErrorKind::exhausted, "more than ", names.limit, " entries");
    return DIRENT_ABORT;
  }
  names.items.emplace_back(name, found->inode);
  return 0;
}

struct Pieces : Gathered<SparsePiece> {
  std::uint64_t block_size;
  std::uint64_t size;  // of the file
};

int on_block(ext2_filsys /*disk*/, blk64_t* /*block*/, e2_blkcnt_t number, blk64_t /*parent*/,
             int /*place*/, void* data) {
  auto& pieces = *static_cast<Pieces*>(data);
  if (number < 0) return 0;  // not content
  const auto index = static_cast<std::uint64_t>(number);
  // Blocks behind the end were set aside.
  if (index >= (pieces.size + pieces.block_size - 1) / pieces.block_size) return 0;
  const std::uint64_t offset = index * pieces.block_size;
  const std::uint64_t size = std::min(pieces.block_size, pieces.size - offset);
  if (!pieces.items.empty()) {
    SparsePiece& last = pieces.items.back();
    const std::uint64_t end = last.offset + last.size;
    if (offset == end) {
      last.size += size;
      return 0;
    }
    if (offset < end) {
      pieces.error = fail(ErrorKind::corrupt, "its blocks are in no order");
      return BLOCK_ABORT;
    }
  }
  if (pieces.items.size() == pieces.limit) {
    pieces.error = fail(ErrorKind::exhausted, "more than ", pieces.limit, " pieces");
    return BLOCK_ABORT;
  }
  pieces.items.push_back({.offset = offset, .size = size});
  return 0;
}

int on_attribute(char* name, char* value, std::size_t size, void* data) {
  static_cast<std::vector<Xattr>*>(data)->push_back({name, std::string(value, size)});
  return 0;
}

struct CloseAttributes {
  void operator()(ext2_xattr_handle* handle) const { ::ext2fs_xattrs_close(&handle); }
};

// Spec: linux/Documentation/filesystems/ext4/inodes.rst, "Inode Timestamps"
void set_time(const ext2_inode_large& inode, DiskInode& out) {
  out.mtime_seconds = static_cast<std::int32_t>(inode.i_mtime);
  // An inode of 128 bytes has no more than that.
  constexpr std::size_t kEnd = offsetof(ext2_inode_large, i_mtime_extra) + 4;
  if (EXT2_GOOD_OLD_INODE_SIZE + std::size_t{inode.i_extra_isize} < kEnd) return;
  out.mtime_seconds += std::int64_t{inode.i_mtime_extra & 3U} << 32;
  out.mtime_nanoseconds = std::min(inode.i_mtime_extra >> 2, 999'999'999U);
}

void set_device(const ext2_inode_large& inode, DiskInode& out) {
  const std::uint32_t old = inode.i_block[0];
  const std::uint32_t modern = inode.i_block[1];
  out.major = old != 0 ? old >> 8 & 0xff : modern >> 8 & 0xfff;
  out.minor = old != 0 ? old & 0xff : (modern & 0xff) | (modern >> 12 & 0xfff00);
}

Result<ext2_inode_large> read_inode(ext2_filsys disk, InodeNumber number) {
  ext2_inode_large inode = {};
  TRY(check(
      ::ext2fs_read_inode_full(disk, number, reinterpret_cast<ext2_inode*>(&inode), sizeof inode),
      cat("inode ", number)));
  return inode;
}

}  // namespace

void DiskFile::Close::operator()(ext2_file* file) const { ::ext2fs_file_close(file); }
void DiskFileSystem::Close::operator()(struct_ext2_filsys* disk) const {
  ::ext2fs_close_free(&disk);
}

Result<void> DiskFile::read(std::uint64_t offset, MutableByteSpan buffer) {
  TRY(check(::ext2fs_file_llseek(file_.get(), offset, EXT2_SEEK_SET, nullptr), "seeking"));
  while (!buffer.empty()) {
    unsigned count = 0;
    TRY(check(::ext2fs_file_read(file_.get(), buffer.data(), static_cast<unsigned>(buffer.size()),
                                 &count),
              "reading"));
    if (count == 0) return fail(ErrorKind::corrupt, "the disk's file system: a file ends early");
    buffer = buffer.subspan(count);
  }
  return {};
}

Result<DiskFileSystem> DiskFileSystem::open(FdRef disk) {
  ::initialize_ext2_error_table();
  // It closes what it is given.
  const int copy = ::fcntl(disk.get(), F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return fail_errno("the disk");
  ext2_filsys opened = nullptr;
  const errcode_t code = ::ext2fs_open2(std::to_string(copy).c_str(), nullptr, EXT2_FLAG_64BITS, 0,
                                        0, unixfd_io_manager, &opened);
  if (code == EXT2_ET_UNSUPP_FEATURE || code == EXT2_ET_RO_UNSUPP_FEATURE) {
    return damage(code, "opening").with_kind(ErrorKind::unsupported);
  }
  TRY(check(code, "opening"));
  DiskFileSystem made(opened);
  if (::ext2fs_has_feature_journal_needs_recovery(opened->super) != 0) {
    return fail(ErrorKind::unsupported,
                "the disk was left in the middle of its work: its journal has to be replayed");
  }
  return made;
}

Result<std::optional<InodeNumber>> DiskFileSystem::find_in_root(const std::string& name) const {
  ext2_ino_t number = 0;
  const errcode_t code = ::ext2fs_lookup(disk_.get(), EXT2_ROOT_INO, name.c_str(),
                                         static_cast<int>(name.size()), nullptr, &number);
  if (code == EXT2_ET_FILE_NOT_FOUND) return std::optional<InodeNumber>();
  TRY(check(code, "its root"));
  return std::optional<InodeNumber>(number);
}

Result<DiskInode> DiskFileSystem::inode(InodeNumber number) const {
  const ext2_inode_large inode = TRY(read_inode(disk_.get(), number));
  DiskInode out;
  out.mode = inode.i_mode;
  out.uid = inode_uid(inode);
  out.gid = inode_gid(inode);
  out.links = inode.i_links_count;
  out.size = EXT2_I_SIZE(&inode);
  set_time(inode, out);
  if (S_ISCHR(out.mode) || S_ISBLK(out.mode)) set_device(inode, out);
  return out;
}

Result<std::vector<std::pair<std::string, InodeNumber>>> DiskFileSystem::list(
    InodeNumber directory, std::uint64_t limit) const {
  Names names{{}, limit, std::nullopt};
  const errcode_t code = ::ext2fs_dir_iterate2(disk_.get(), directory, 0, nullptr, on_name, &names);
  if (names.error) return *names.error;
  TRY(check(code, "a directory"));
  return std::move(names.items);
}

Result<std::vector<Xattr>> DiskFileSystem::xattrs(InodeNumber number) const {
  ext2_xattr_handle* opened = nullptr;
  TRY(check(::ext2fs_xattrs_open(disk_.get(), number, &opened), "attributes"));
  const std::unique_ptr<ext2_xattr_handle, CloseAttributes> handle(opened);
  TRY(check(::ext2fs_xattrs_read(handle.get()), "attributes"));
  std::vector<Xattr> attributes;
  TRY(check(::ext2fs_xattrs_iterate(handle.get(), on_attribute, &attributes), "attributes"));
  std::ranges::sort(attributes);
  return attributes;
}

Result<std::string> DiskFileSystem::link_target(InodeNumber number, std::size_t limit) const {
  ext2_inode_large inode = TRY(read_inode(disk_.get(), number));
  const std::uint64_t size = EXT2_I_SIZE(&inode);
  if (size > limit) return fail(ErrorKind::exhausted, "a link of more than ", limit, " bytes");
  std::string target(size, '\0');
  if (::ext2fs_is_fast_symlink(reinterpret_cast<ext2_inode*>(&inode)) != 0) {
    if (size >= sizeof inode.i_block) return fail(ErrorKind::corrupt, "a link is too long");
    target.assign(reinterpret_cast<const char*>(inode.i_block), size);
  } else {
    DiskFile file = TRY(open(number));
    TRY(file.read(0, std::as_writable_bytes(std::span(target))));
  }
  if (target.empty() || target.find('\0') != std::string::npos) {
    return fail(ErrorKind::corrupt, "a link leads nowhere");
  }
  return target;
}

Result<std::vector<SparsePiece>> DiskFileSystem::pieces(InodeNumber number,
                                                        std::size_t limit) const {
  const ext2_inode_large inode = TRY(read_inode(disk_.get(), number));
  Pieces pieces;
  pieces.limit = limit;
  pieces.block_size = disk_->blocksize;
  pieces.size = EXT2_I_SIZE(&inode);
  if ((inode.i_flags & EXT4_INLINE_DATA_FL) != 0) {
    if (pieces.size != 0) pieces.items.push_back({.offset = 0, .size = pieces.size});
    return std::move(pieces.items);
  }
  const errcode_t code = ::ext2fs_block_iterate3(
      disk_.get(), number, BLOCK_FLAG_READ_ONLY | BLOCK_FLAG_DATA_ONLY, nullptr, on_block, &pieces);
  if (pieces.error) return *pieces.error;
  TRY(check(code, "blocks"));
  return std::move(pieces.items);
}

Result<DiskFile> DiskFileSystem::open(InodeNumber number) const {
  ext2_file_t file = nullptr;
  TRY(check(::ext2fs_file_open(disk_.get(), number, 0, &file), "opening a file"));
  return DiskFile(file);
}

}  // namespace proa::image
