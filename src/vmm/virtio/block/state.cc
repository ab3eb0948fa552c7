#include "vmm/virtio/block/device.h"

namespace proa::vmm::virtio::block {
namespace {

constexpr std::uint16_t kStateVersion = 2;

}  // namespace

// A quiesced device has nothing in flight: what is left is what the guest believes about the disk,
// and the requests that wait for room on it, which are tried anew from their beginning.
Result<void> BlockDevice::save(StateWriter& writer) const {
  writer.section("virtio-block", kStateVersion);
  writer.number(disk_.size());
  writer.boolean(disk_.access() == Access::read_only);
  writer.number(static_cast<std::uint16_t>(waiting_.size()));
  for (const std::size_t slot : waiting_) writer.number(requests_[slot].chain.head);
  return {};
}

Result<void> BlockDevice::restore(StateReader& reader) {
  const std::uint16_t version = TRY(reader.section("virtio-block", kStateVersion));
  const auto size = TRY(reader.number<std::uint64_t>());
  const bool read_only = TRY(reader.boolean());
  if (size != disk_.size() || read_only != (disk_.access() == Access::read_only)) {
    return reader.fault("the disk had ", size, " bytes and now has ", disk_.size());
  }
  return version == 1 ? Result<void>() : restore_waiting(reader);
}

Result<void> BlockDevice::restore_waiting(StateReader& reader) {
  const auto count = TRY(reader.number<std::uint16_t>());
  if (count == 0) return {};
  const bool runs = !activation_.queues.empty() && activation_.queues[0].has_value();
  if (!runs || count > free_.size()) return reader.fault(count, " requests that wait");
  for (std::size_t i = 0; i < count; ++i) {
    const auto head = TRY(reader.number<std::uint16_t>());
    const std::size_t slot = free_.back();
    TRY(activation_.queues[0]->walk(head, requests_[slot].chain));
    free_.pop_back();
    requests_[slot].stored = 0;
    waiting_.push_back(slot);
  }
  return set_alarm();
}

}  // namespace proa::vmm::virtio::block
