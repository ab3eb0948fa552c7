// EROFS on disk, as far as layers use it: little-endian, blocks of 4 KiB, no compression.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

// Spec: Linux Documentation/filesystems/erofs.rst; docs/formats/layer.md
namespace proa::image::erofs {

constexpr unsigned kBlockBits = 12;
constexpr std::uint64_t kBlock = std::uint64_t{1} << kBlockBits;
constexpr std::uint64_t kSlot = 32;  // inodes are numbered in units of this
constexpr std::uint64_t kSuperOffset = 1024;
constexpr std::uint64_t kNoteOffset = 2048;
constexpr std::uint32_t kMagic = 0xe0f5e1e2;
constexpr std::size_t kLongestName = 255;
constexpr std::uint64_t kAlignment = std::uint64_t{2} << 20;  // the file's length

constexpr std::uint32_t kCompatChecksum = 1U << 0;
constexpr std::uint32_t kCompatMtime = 1U << 1;
constexpr std::uint32_t kIncompatChunks = 1U << 2;

struct SuperBlock {
  Le32 magic;
  Le32 checksum;  // CRC-32C of the block from here's start on, this field being 0
  Le32 compatible;
  std::uint8_t block_bits;
  std::uint8_t extension_slots;
  Le16 root;  // inode number
  Le64 inodes;
  Le64 build_seconds;
  Le32 build_nanoseconds;
  Le32 blocks;
  Le32 meta_block;  // inode numbers count from here
  Le32 xattr_block;
  std::array<std::uint8_t, 16> uuid;
  std::array<char, 16> volume_name;
  Le32 incompatible;
  Le16 compression;
  Le16 extra_devices;
  Le16 device_slot;
  std::uint8_t directory_bits;
  std::uint8_t xattr_prefixes;
  Le32 xattr_prefix_start;
  Le64 packed_inode;
  std::array<std::uint8_t, 24> reserved;
};
static_assert(sizeof(SuperBlock) == 128 && alignof(SuperBlock) == 1);
static_assert(offsetof(SuperBlock, uuid) == 48 && offsetof(SuperBlock, incompatible) == 80);

// Ours: in the unused part of the superblock's block, and so under its checksum.
struct Note {
  std::array<char, 8> magic;  // kNoteMagic
  Le32 version;
  Le32 largest_uid;
  Le32 largest_gid;
  Le32 reserved;
  Le64 tar_bytes;
  Le64 metadata_offset;
  Le64 metadata_bytes;
  std::array<std::byte, 32> metadata_digest;
  std::array<std::byte, 32> diff_id;
};
static_assert(sizeof(Note) == 112 && alignof(Note) == 1);
constexpr std::string_view kNoteMagic = "proa-lay";
constexpr std::uint32_t kNoteVersion = 1;

enum class Layout : std::uint16_t { flat = 0, inlined = 2, chunks = 4 };
constexpr std::uint16_t kExtendedInode = 1;
// Inode format: bit 0 extended, bits 1 to 3 layout.
constexpr std::uint16_t inode_format(Layout layout) {
  return static_cast<std::uint16_t>(kExtendedInode | static_cast<unsigned>(layout) << 1);
}

struct Inode {
  Le16 format;
  Le16 xattr_count;  // 0, or 1 + the attributes' bytes beyond the 12 of their header, over 4
  Le16 mode;
  Le16 reserved;
  Le64 size;
  Le32 where;  // flat, inlined: first block; device: its number; chunks: log2(chunk / block)
  Le32 serial;
  Le32 uid;
  Le32 gid;
  Le64 mtime;
  Le32 mtime_nanoseconds;
  Le32 links;
  std::array<std::uint8_t, 16> reserved2;
};
static_assert(sizeof(Inode) == 64 && alignof(Inode) == 1);

constexpr std::uint32_t kHole = 0xffffffff;     // in a chunk map
constexpr std::uint32_t kChunkBitsMask = 0x1f;  // of `where`
constexpr std::uint32_t kNoBlock = 0xffffffff;  // `where` of a flat inode without blocks

struct XattrHeader {
  Le32 name_filter;
  std::uint8_t shared;
  std::array<std::uint8_t, 7> reserved;
};
static_assert(sizeof(XattrHeader) == 12);

struct XattrEntry {  // the name without its prefix and the value follow, filled up to 4 bytes
  std::uint8_t name_bytes;
  std::uint8_t prefix;
  Le16 value_bytes;
};
static_assert(sizeof(XattrEntry) == 4);

struct XattrPrefix {
  std::uint8_t index;
  std::string_view text;
};
// An ACL is all prefix and has no name of its own.
constexpr std::array<XattrPrefix, 5> kXattrPrefixes = {{{1, "user."},
                                                        {2, "system.posix_acl_access"},
                                                        {3, "system.posix_acl_default"},
                                                        {4, "trusted."},
                                                        {6, "security."}}};

struct Dirent {
  Le64 inode;
  Le16 name_offset;
  std::uint8_t type;
  std::uint8_t reserved;
};
static_assert(sizeof(Dirent) == 12 && alignof(Dirent) == 1);

// File types in directories, as in the other Linux file systems.
enum class FileType : std::uint8_t {
  unknown = 0,
  file = 1,
  directory = 2,
  character_device = 3,
  block_device = 4,
  fifo = 5,
  socket = 6,
  link = 7,
};
FileType file_type(std::uint32_t mode);

// The superblock's checksum over its block from kSuperOffset on, whose checksum field is 0.
std::uint32_t checksum(ByteSpan block_from_super);

}  // namespace proa::image::erofs
