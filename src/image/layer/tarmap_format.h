// The tarmap: what the layer file does not keep of its tar, in the order of the tar.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace proa::image {

// A zstd frame of records follows. A record: L (varint), L literal bytes, then E (varint); where
// E is not 0 the position (zigzag varint, relative to the one expected) of E bytes in the layer
// file. Expected is the block behind the last such piece, the second block at first. A record with
// L = E = 0 ends the list.
//
// Spec: docs/formats/layer.md, "tarmap"
struct TarmapHeader {
  std::array<char, 8> magic;
  Le32 version;
  Le32 reserved;
};
static_assert(sizeof(TarmapHeader) == 16);
constexpr std::string_view kTarmapMagic = "proa-tar";
constexpr std::uint32_t kTarmapVersion = 1;
// What a reader must be able to look back: 8 MiB.
constexpr int kTarmapWindowBits = 23;

}  // namespace proa::image
