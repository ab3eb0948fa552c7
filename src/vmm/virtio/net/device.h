// The network device (virtio 1.2, 5.1) over a tap: one pair of queues, checksums and segmentation
// left to whichever side can avoid them, mergeable receive buffers.
#pragma once

#include <memory>
#include <vector>

#include "kernel/tap/tap.h"
#include "vmm/virtio/core/device.h"
#include "vmm/virtio/net/config.h"

namespace proa::vmm::virtio::net {

// Owner: its controller. Thread: as Device says.
class NetDevice final : public Device {
 public:
  // `mtu` is the link's, 68 to 65535; the guest is told.
  //
  // Errors: invalid_argument
  static Result<std::unique_ptr<NetDevice>> create(tap::Tap tap, const Mac& mac, std::uint16_t mtu);

  DeviceType type() const override { return DeviceType::net; }
  std::string_view name() const override { return "net"; }
  std::uint64_t features() const override;
  std::vector<std::uint16_t> queue_sizes() const override;
  void read_config(std::uint64_t offset, MutableByteSpan into) const override;

  Result<void> activate(const Activation& activation) override;
  Result<void> process(std::uint16_t queue) override;
  Result<void> quiesce() override { return {}; }
  void reset() override;

  Result<void> save(StateWriter& writer) const override;
  Result<void> restore(StateReader& reader) override;

 private:
  NetDevice(tap::Tap tap, const Mac& mac, std::uint16_t mtu);

  // Moves frames from the tap to the guest until either has no more to give or take.
  Result<void> receive();
  // Gives the held frame to the guest; tells whether its buffers were enough.
  Result<bool> deliver();
  Result<void> transmit();
  Result<tap::Tap::Sent> send(const Chain& chain);
  void on_tap(event::Readiness readiness);
  // Watches the tap for what can be done: reading only while the guest has buffers.
  Result<void> set_interest(event::Readiness interest);

  tap::Tap tap_;
  NetConfig config_;
  Activation activation_;
  Watch watch_;
  event::Readiness interest_;
  std::vector<std::byte> frame_;  // header and frame that wait for the guest's buffers
  std::size_t held_ = 0;          // bytes in frame_
  std::vector<Chain> receive_chains_;
  Chain transmit_chain_;
  std::vector<iovec> buffers_;
};

}  // namespace proa::vmm::virtio::net
