#include "image/inflate/compression.h"

namespace proa::image {
namespace {

constexpr std::string_view kGzip = "\x1f\x8b";
constexpr std::string_view kZstd = "\x28\xb5\x2f\xfd";
constexpr std::string_view kBzip2 = "BZh";
constexpr std::string_view kXz("\xfd\x37zXZ\0", kMarkBytes);

// 0x184D2A50 to 0x184D2A5F: a frame to be skipped, as some tools put in front.
bool is_skippable_zstd(std::string_view bytes) {
  return bytes.size() >= 4 && (bytes[0] & '\xf0') == 0x50 && bytes.substr(1, 3) == "\x2a\x4d\x18";
}

}  // namespace

Compression compression_of(std::string_view first_bytes) {
  if (first_bytes.starts_with(kGzip)) return Compression::gzip;
  if (first_bytes.starts_with(kZstd) || is_skippable_zstd(first_bytes)) return Compression::zstd;
  if (first_bytes.starts_with(kXz)) return Compression::xz;
  if (first_bytes.starts_with(kBzip2)) return Compression::bzip2;
  return Compression::none;
}

}  // namespace proa::image
