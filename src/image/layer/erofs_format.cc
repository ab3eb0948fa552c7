#include "image/layer/erofs_format.h"

#include <isa-l/crc.h>
#include <sys/stat.h>

#include <vector>

namespace proa::image::erofs {

FileType file_type(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileType::file;
    case S_IFDIR:
      return FileType::directory;
    case S_IFCHR:
      return FileType::character_device;
    case S_IFBLK:
      return FileType::block_device;
    case S_IFIFO:
      return FileType::fifo;
    case S_IFSOCK:
      return FileType::socket;
    case S_IFLNK:
      return FileType::link;
    default:
      return FileType::unknown;
  }
}

std::uint32_t checksum(ByteSpan block_from_super) {
  // ISA-L takes its input as not const but leaves it alone.
  std::vector<unsigned char> copy(block_from_super.size());
  std::memcpy(copy.data(), block_from_super.data(), copy.size());
  return ::crc32_iscsi(copy.data(), static_cast<int>(copy.size()), 0xffffffff);
}

}  // namespace proa::image::erofs
