// virtio over a page of memory-mapped registers (virtio 1.2, 4.2): no bus, one edge-triggered
// interrupt, an exit or two an interrupt. The guest finds it as ACPI's LNRO0005.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "vmm/bus/bus.h"
#include "vmm/virtio/core/transport.h"

namespace proa::vmm::virtio::mmio {

constexpr std::uint64_t kWindowSize = 0x1000;

// Owner: the machine. Thread: read and write from every vCPU; the signals from the worker.
class MmioTransport final : public Transport, public BusDevice, public Signals {
 public:
  // `base` is where the machine puts the register window; `line` outlives this.
  MmioTransport(std::unique_ptr<Controller> controller, InterruptLine& line, GuestAddr base);

  Result<void> read(std::uint64_t offset, MutableByteSpan into) override;
  Result<void> write(std::uint64_t offset, ByteSpan from) override;

  void queue_used(std::uint16_t queue) override;
  void config_changed() override;

  Result<void> open_doorbells(Doorbells& doorbells) override;
  Controller& controller() override { return *controller_; }
  // Section "virtio-mmio", then the controller's.
  Result<void> save(StateWriter& writer) const override;
  Result<void> restore(StateReader& reader) override;

 private:
  std::uint32_t read_register(std::uint64_t offset) const;
  void write_register(std::uint64_t offset, std::uint32_t value);
  void write_queue_register(std::uint64_t offset, std::uint32_t value);
  void raise(std::uint32_t cause);

  std::unique_ptr<Controller> controller_;
  InterruptLine& line_;
  GuestAddr base_;
  std::vector<std::unique_ptr<Doorbell>> doorbells_;
  std::atomic<std::uint32_t> interrupt_status_ = 0;

  std::mutex mutex_;  // one vCPU at a time; guards what follows and the controller's registers
  std::uint32_t device_features_page_ = 0;
  std::uint32_t driver_features_page_ = 0;
  std::uint32_t selected_queue_ = 0;
};

}  // namespace proa::vmm::virtio::mmio
