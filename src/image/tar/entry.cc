#include "image/tar/entry.h"

#include <sys/stat.h>

namespace proa::image {

std::optional<TarType> tar_type_of(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return TarType::file;
    case S_IFDIR:
      return TarType::directory;
    case S_IFLNK:
      return TarType::symbolic_link;
    case S_IFCHR:
      return TarType::character_device;
    case S_IFBLK:
      return TarType::block_device;
    case S_IFIFO:
      return TarType::fifo;
    default:
      return std::nullopt;
  }
}

}  // namespace proa::image
