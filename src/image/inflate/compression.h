// How a blob is compressed, told by its first bytes. Needs no codec: whoever only has to know links
// none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace proa::image {

enum class Compression : std::uint8_t { none, gzip, zstd, xz, bzip2 };

// So many bytes tell every kind.
inline constexpr std::size_t kMarkBytes = 6;

Compression compression_of(std::string_view first_bytes);

}  // namespace proa::image
