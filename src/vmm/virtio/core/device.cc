#include "vmm/virtio/core/device.h"

#include <algorithm>

namespace proa::vmm::virtio {

void Device::write_config(std::uint64_t /*offset*/, ByteSpan /*from*/) {}

void read_config_bytes(ByteSpan config, std::uint64_t offset, MutableByteSpan into) {
  if (offset >= config.size()) return;
  const ByteSpan rest = config.subspan(offset);
  std::ranges::copy(rest.first(std::min(rest.size(), into.size())), into.begin());
}

}  // namespace proa::vmm::virtio
