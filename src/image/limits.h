// What one layer may cost us: every layer is somebody else's bytes.
#pragma once

#include <cstdint>

namespace proa::image {

// A breach is ErrorKind::exhausted and names the limit and the entry.
// Thread: a value.
struct LayerLimits {
  // Bytes of the uncompressed tar; also of what sparse files hold, in whole blocks.
  std::uint64_t tar_bytes = std::uint64_t{64} << 30;
  // Tar bytes for each blob byte, looked at once the tar is past 64 MiB. Deflate cannot pass 1032,
  // so this one stops zstd bombs early.
  std::uint64_t ratio = 1100;
  // Tar entries, and nodes of the tree that they make.
  std::uint64_t entries = 4'000'000;
  // Bytes of one path and of one link target; a component never has more than 255.
  std::uint32_t path_bytes = 4096;
  // Bytes of one pax or GNU extension header.
  std::uint32_t extension_bytes = 1U << 20;
  // Names and values of one entry's extended attributes together.
  std::uint32_t xattr_bytes = 128U << 10;
  // Data pieces of one sparse file.
  std::uint32_t sparse_pieces = 1U << 20;
  // Size of one file as stat(2) shows it, holes included.
  std::uint64_t file_bytes = std::uint64_t{1} << 44;
  // Size of the layer file, holes included.
  std::uint64_t image_bytes = std::uint64_t{1} << 40;
  // Memory for names, links, attributes and sparse maps of the whole layer.
  std::uint64_t metadata_bytes = std::uint64_t{1} << 30;
};

}  // namespace proa::image
