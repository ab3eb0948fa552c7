// The balloon (virtio 1.2, 5.5): the guest gives pages when it is asked to, and tells which of its
// free pages the host may take meanwhile. Either way the host has them back at once.
#pragma once

#include <atomic>

#include "vmm/virtio/balloon/config.h"
#include "vmm/virtio/core/device.h"

namespace proa::vmm::virtio::balloon {

// Owner: its controller. Thread: as Device says.
class BalloonDevice final : public Device {
 public:
  DeviceType type() const override { return DeviceType::balloon; }
  std::string_view name() const override { return "balloon"; }
  std::uint64_t features() const override { return kFeatureDeflateOnOom | kFeatureReporting; }
  std::vector<std::uint16_t> queue_sizes() const override;
  void read_config(std::uint64_t offset, MutableByteSpan into) const override;
  void write_config(std::uint64_t offset, ByteSpan from) override;

  // Asks the guest for that many pages of 4 KiB in all. Thread: the worker's.
  void set_wanted(std::uint32_t pages);
  // Pages that the guest says it has given. Thread: any.
  std::uint32_t actual() const { return actual_; }

  Result<void> activate(const Activation& activation) override;
  Result<void> process(std::uint16_t queue) override;
  Result<void> quiesce() override { return {}; }
  void reset() override;

  Result<void> save(StateWriter& writer) const override;
  Result<void> restore(StateReader& reader) override;

 private:
  Result<void> take_pages(const Chain& chain);
  Result<void> take_free(const Chain& chain);

  std::atomic<std::uint32_t> wanted_ = 0;
  std::atomic<std::uint32_t> actual_ = 0;
  Activation activation_;
  Chain chain_;
};

}  // namespace proa::vmm::virtio::balloon
