// virtio over PCI (virtio 1.2, 4.1), modern only: one 64-bit memory BAR that the machine places
// once and for all, MSI-X with a vector a queue and one for the configuration. The BAR can be
// sized; an address that the guest writes is kept but not followed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "vmm/bus/bus.h"
#include "vmm/virtio/core/transport.h"
#include "vmm/virtio/pci/function.h"
#include "vmm/virtio/pci/msix.h"

namespace proa::vmm::virtio::pci {

// Size and alignment of the BAR.
constexpr std::uint64_t kBarSize = 0x8000;

// Owner: the machine, which adds it to the root as a function and to the memory bus at `bar`.
// Thread: configuration and BAR from every vCPU; the signals from the worker.
class PciTransport final : public Transport, public Function, public BusDevice, public Signals {
 public:
  PciTransport(std::unique_ptr<Controller> controller, Interrupts& interrupts, GuestAddr bar);

  void read_config(std::uint64_t offset, MutableByteSpan into) override;
  void write_config(std::uint64_t offset, ByteSpan from) override;
  Result<void> read(std::uint64_t offset, MutableByteSpan into) override;
  Result<void> write(std::uint64_t offset, ByteSpan from) override;

  void queue_used(std::uint16_t queue) override;
  void config_changed() override;

  Result<void> open_doorbells(Doorbells& doorbells) override;
  Controller& controller() override { return *controller_; }
  // Section "virtio-pci", then the controller's.
  Result<void> save(StateWriter& writer) const override;
  Result<void> restore(StateReader& reader) override;

 private:
  void lay_out_config();
  // All below with the lock held.
  Result<void> read_bar(std::uint64_t offset, MutableByteSpan into);
  Result<void> write_bar(std::uint64_t offset, ByteSpan from);
  void read_common(std::uint64_t offset, MutableByteSpan into) const;
  void write_common(std::uint64_t offset, ByteSpan from);
  void write_queue_register(std::uint64_t offset, std::uint64_t value, std::size_t width);
  void set_status(std::uint8_t status);
  std::uint16_t checked_vector(std::uint64_t vector) const;
  // The window into the BAR through configuration space (4.1.4.9).
  void access_window(bool write);

  std::unique_ptr<Controller> controller_;
  GuestAddr bar_;
  Msix msix_;
  std::vector<std::unique_ptr<Doorbell>> doorbells_;
  std::vector<std::atomic<std::uint16_t>> queue_vectors_;
  std::atomic<std::uint16_t> config_vector_;
  std::atomic<std::uint8_t> isr_ = 0;

  mutable std::mutex mutex_;  // one vCPU at a time; guards the controller's registers too
  ConfigSpace config_;
  std::uint32_t device_features_page_ = 0;
  std::uint32_t driver_features_page_ = 0;
  std::uint16_t selected_queue_ = 0;
};

}  // namespace proa::vmm::virtio::pci
