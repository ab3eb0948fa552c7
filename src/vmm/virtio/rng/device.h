// The entropy device (virtio 1.2, 5.4): fills whatever buffers the driver offers with random bytes.
#pragma once

#include "vmm/virtio/core/device.h"

namespace proa::vmm::virtio::rng {

// Owner: its controller. Thread: as Device says.
class RngDevice final : public Device {
 public:
  DeviceType type() const override { return DeviceType::rng; }
  std::string_view name() const override { return "rng"; }
  std::uint64_t features() const override { return 0; }
  std::vector<std::uint16_t> queue_sizes() const override;
  void read_config(std::uint64_t offset, MutableByteSpan into) const override;

  Result<void> activate(const Activation& activation) override;
  Result<void> process(std::uint16_t queue) override;
  Result<void> quiesce() override { return {}; }
  void reset() override { activation_ = {}; }

  Result<void> save(StateWriter& writer) const override;
  Result<void> restore(StateReader& reader) override;

 private:
  Result<std::uint32_t> fill(const Chain& chain);

  Activation activation_;
  Chain chain_;
};

}  // namespace proa::vmm::virtio::rng
