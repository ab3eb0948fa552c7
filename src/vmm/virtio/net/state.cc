#include "vmm/virtio/net/device.h"

namespace proa::vmm::virtio::net {
namespace {

constexpr std::uint16_t kStateVersion = 1;

}  // namespace

// A frame that waits for buffers is lost, as on any network: what stays is who the guest is.
Result<void> NetDevice::save(StateWriter& writer) const {
  writer.section("virtio-net", kStateVersion);
  writer.bytes(bytes_of(config_));
  return {};
}

Result<void> NetDevice::restore(StateReader& reader) {
  TRY(reader.section("virtio-net", kStateVersion));
  const auto bytes = TRY(reader.bytes(sizeof config_));
  // The guest has read its address and MTU already and does not ask again.
  if (bytes != text_of(bytes_of(config_))) return reader.fault("another address or MTU");
  return {};
}

}  // namespace proa::vmm::virtio::net
