#include "vmm/virtio/balloon/device.h"

namespace proa::vmm::virtio::balloon {
namespace {

constexpr std::uint16_t kStateVersion = 1;

}  // namespace

Result<void> BalloonDevice::save(StateWriter& writer) const {
  writer.section("virtio-balloon", kStateVersion);
  writer.number(wanted_.load());
  writer.number(actual_.load());
  return {};
}

Result<void> BalloonDevice::restore(StateReader& reader) {
  TRY(reader.section("virtio-balloon", kStateVersion));
  wanted_ = TRY(reader.number<std::uint32_t>());
  actual_ = TRY(reader.number<std::uint32_t>());
  return {};
}

}  // namespace proa::vmm::virtio::balloon
