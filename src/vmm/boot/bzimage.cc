#include "vmm/boot/bzimage.h"

#include <lz4.h>

#include <algorithm>
#include <string_view>

#include "base/number.h"

namespace proa::vmm::boot {
namespace {

constexpr std::size_t kSetupSectors = 0x1f1;
constexpr std::size_t kMagic = 0x202;  // "HdrS"
constexpr std::size_t kVersion = 0x206;
constexpr std::size_t kPayloadOffset = 0x248;
constexpr std::size_t kPayloadLength = 0x24c;
constexpr std::size_t kHeaderEnd = 0x250;
constexpr std::size_t kSector = 512;
constexpr std::uint16_t kOldestVersion = 0x208;
constexpr std::size_t kBlock = std::size_t{8} << 20;
constexpr std::uint32_t kLz4Legacy = 0x184c2102;

// Names what a payload's first bytes say, for a message that helps.
std::string_view compression(ByteSpan payload) {
  const std::string_view bytes = text_of(payload);
  if (bytes.starts_with("\x1f\x8b")) return "gzip";
  if (bytes.starts_with("\xfd"
                        "7zXZ")) {
    return "xz";
  }
  if (bytes.starts_with("\x28\xb5\x2f\xfd")) return "zstd";
  if (bytes.starts_with("BZh")) return "bzip2";
  if (bytes.starts_with("\x89LZO")) return "lzo";
  return "an unknown method";
}

Result<ByteSpan> find_payload(ByteSpan file) {
  if (!is_bzimage(file)) return fail(ErrorKind::invalid_argument, "the kernel is no bzImage");
  if (copy_from<Le16>(file.subspan(kVersion)) < kOldestVersion) {
    return fail(ErrorKind::unsupported, "the kernel's boot protocol is older than 2.08");
  }
  std::size_t sectors = std::to_integer<std::size_t>(file[kSetupSectors]);
  if (sectors == 0) sectors = 4;
  const std::uint64_t start =
      (sectors + 1) * kSector + copy_from<Le32>(file.subspan(kPayloadOffset)).get();
  const std::uint64_t length = copy_from<Le32>(file.subspan(kPayloadLength));
  if (start > file.size() || length > file.size() - start || length < 2 * sizeof(Le32)) {
    return fail(ErrorKind::corrupt, "the bzImage is cut off");
  }
  return file.subspan(start, length);
}

}  // namespace

bool is_bzimage(ByteSpan file) {
  return file.size() >= kHeaderEnd && text_of(file.subspan(kMagic, 4)) == "HdrS";
}

Result<std::vector<std::byte>> unpack_bzimage(ByteSpan file, std::size_t limit) {
  ByteSpan left = TRY(find_payload(file));
  if (copy_from<Le32>(left) != kLz4Legacy) {
    return fail(ErrorKind::unsupported, "the kernel is packed by ", compression(left),
                "; only LZ4 is unpacked here: give its vmlinux");
  }
  // The last four bytes say how long the unpacked kernel is.
  const std::size_t size = copy_from<Le32>(left.last(sizeof(Le32)));
  if (size > limit) return fail(ErrorKind::exhausted, "the kernel unpacks to ", size, " bytes");
  left = left.first(left.size() - sizeof(Le32)).subspan(sizeof(Le32));
  std::vector<std::byte> kernel(size);
  std::size_t done = 0;
  while (done < size) {
    if (left.size() < sizeof(Le32)) return fail(ErrorKind::corrupt, "the kernel's LZ4 is cut off");
    const std::size_t packed = copy_from<Le32>(left);
    left = left.subspan(sizeof(Le32));
    if (packed == 0 || packed > left.size()) {
      return fail(ErrorKind::corrupt, "a block of the kernel's LZ4 is cut off");
    }
    const int unpacked = ::LZ4_decompress_safe(
        reinterpret_cast<const char*>(left.data()), reinterpret_cast<char*>(kernel.data() + done),
        static_cast<int>(packed), static_cast<int>(std::min(size - done, kBlock)));
    if (unpacked <= 0) return fail(ErrorKind::corrupt, "a block of the kernel's LZ4 is broken");
    done += static_cast<std::size_t>(unpacked);
    left = left.subspan(packed);
  }
  return kernel;
}

}  // namespace proa::vmm::boot
