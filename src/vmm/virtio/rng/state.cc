#include "vmm/virtio/rng/device.h"

namespace proa::vmm::virtio::rng {
namespace {

constexpr std::uint16_t kStateVersion = 1;

}  // namespace

// Randomness has no past: the section only says that the device was there.
Result<void> RngDevice::save(StateWriter& writer) const {
  writer.section("virtio-rng", kStateVersion);
  return {};
}

Result<void> RngDevice::restore(StateReader& reader) {
  TRY(reader.section("virtio-rng", kStateVersion));
  return {};
}

}  // namespace proa::vmm::virtio::rng
