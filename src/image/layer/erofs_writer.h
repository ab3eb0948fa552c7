// Writes what makes file data a file system: directories, inodes, attributes, and last of all the
// superblock.
#pragma once

#include <cstdint>

#include "base/digest.h"
#include "base/result.h"
#include "image/layer/image_file.h"
#include "image/layer/tree.h"

namespace proa::image {

struct WrittenTree {
  std::uint64_t image_bytes;  // of the whole layer file
  std::uint64_t inodes;
  std::uint32_t largest_uid;
  std::uint32_t largest_gid;
};

// Writes `tree` behind the data that `image` holds already, and finishes it. Directories and
// inodes lie in the order of a walk, breadth first and by name, so the same tree gives the same
// bytes.
//
// Spec:   docs/formats/layer.md
// Errors: exhausted (a block number beyond 32 bits), what the file system said
// Thread: that of `tree` and `image`
Result<WrittenTree> write_tree(LayerTree& tree, ImageFile& image, const Digest& diff_id,
                               std::uint64_t tar_bytes);

}  // namespace proa::image
