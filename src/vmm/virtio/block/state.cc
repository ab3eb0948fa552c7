#include "vmm/virtio/block/device.h"

namespace proa::vmm::virtio::block {
namespace {

constexpr std::uint16_t kStateVersion = 1;

}  // namespace

// A quiesced device has nothing in flight: what is left is what the guest believes about the disk.
Result<void> BlockDevice::save(StateWriter& writer) const {
  writer.section("virtio-block", kStateVersion);
  writer.number(disk_.size());
  writer.boolean(disk_.access() == Access::read_only);
  return {};
}

Result<void> BlockDevice::restore(StateReader& reader) {
  TRY(reader.section("virtio-block", kStateVersion));
  const auto size = TRY(reader.number<std::uint64_t>());
  const bool read_only = TRY(reader.boolean());
  if (size != disk_.size() || read_only != (disk_.access() == Access::read_only)) {
    return reader.fault("the disk had ", size, " bytes and now has ", disk_.size());
  }
  return {};
}

}  // namespace proa::vmm::virtio::block
