#include "vmm/virtio/pmem/device.h"

namespace proa::vmm::virtio::pmem {
namespace {

constexpr std::uint16_t kStateVersion = 1;

}  // namespace

// The guest has mapped the memory: it must be as long, and in the same place.
Result<void> PmemDevice::save(StateWriter& writer) const {
  writer.section("virtio-pmem", kStateVersion);
  writer.number(config_.start.get());
  writer.number(config_.size.get());
  return {};
}

Result<void> PmemDevice::restore(StateReader& reader) {
  TRY(reader.section("virtio-pmem", kStateVersion));
  const auto start = TRY(reader.number<std::uint64_t>());
  const auto size = TRY(reader.number<std::uint64_t>());
  if (start != config_.start || size != config_.size) {
    return reader.fault(size, " bytes at ", hex(start), " are now ", config_.size.get(), " at ",
                        hex(config_.start));
  }
  return {};
}

}  // namespace proa::vmm::virtio::pmem
