// Directories as EROFS keeps them: blocks of sorted entries, each block's names behind its
// entries.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "image/layer/tree.h"

namespace proa::image::erofs {

// The bytes of a directory with these entries, "." and ".." included: whole blocks, and a last one
// that ends with its last name.
std::uint64_t directory_size(const LayerTree& tree, std::span<const std::uint32_t> children);

// The content; inodes have got their numbers.
std::string encode_directory(const LayerTree& tree, InodeId directory,
                             std::span<const std::uint32_t> children);

}  // namespace proa::image::erofs
