#include "vmm/virtio/pci/function.h"

#include <algorithm>

namespace proa::vmm::virtio::pci {

void ConfigSpace::read(std::uint64_t offset, MutableByteSpan into) const {
  if (offset >= kConfigSize) return;
  const auto length = std::min<std::uint64_t>(into.size(), kConfigSize - offset);
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), length, into.begin());
}

void ConfigSpace::write(std::uint64_t offset, ByteSpan from) {
  for (std::size_t i = 0; i < from.size() && offset + i < kConfigSize; ++i) {
    std::byte& byte = bytes_[offset + i];
    const std::byte mask = writable_[offset + i];
    byte = (byte & ~mask) | (from[i] & mask);
  }
}

}  // namespace proa::vmm::virtio::pci
