// The console device (virtio 1.2, 5.3): several ports, each a byte stream between the guest and a
// socket of the host, or a terminal. No emergency write; window sizes are the agent's business.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "vmm/virtio/console/config.h"
#include "vmm/virtio/console/port.h"
#include "vmm/virtio/core/device.h"

namespace proa::vmm::virtio::console {

constexpr std::size_t kMaxPorts = 16;

struct PortSetup {
  std::string name;
  PortKind kind = PortKind::stream;
  Fd stream;  // connected
};

// Owner: its controller. Thread: as Device says.
class ConsoleDevice final : public Device {
 public:
  // Errors: invalid_argument (no port, too many, a name that is empty or too long)
  static Result<std::unique_ptr<ConsoleDevice>> create(std::vector<PortSetup> ports);

  DeviceType type() const override { return DeviceType::console; }
  std::string_view name() const override { return "console"; }
  std::uint64_t features() const override { return kFeatureMultiport; }
  std::vector<std::uint16_t> queue_sizes() const override;
  void read_config(std::uint64_t offset, MutableByteSpan into) const override;

  Result<void> activate(const Activation& activation) override;
  Result<void> process(std::uint16_t queue) override;
  Result<void> quiesce() override { return {}; }
  void reset() override;

  Result<void> save(StateWriter& writer) const override;
  Result<void> restore(StateReader& reader) override;

 private:
  ConsoleDevice() = default;
  // Queues a message for the driver and delivers what there is room for.
  Result<void> tell(std::size_t port, ControlEvent event, std::uint16_t value,
                    std::string_view text = {});
  Result<void> deliver_control();
  Result<void> read_control();
  Result<void> obey(const ControlMessage& message);
  void on_host_close(std::size_t port);

  std::vector<std::unique_ptr<Port>> ports_;
  Activation activation_;
  std::deque<std::string> messages_;  // that wait for the driver's buffers
  Chain answer_;                      // of the control queue to the driver
  Chain request_;                     // of the one from it
};

}  // namespace proa::vmm::virtio::console
