// The IOAPIC: pins in, interrupt messages out. Ours because KVM's split interrupt controller
// keeps only the local APICs inside the kernel; it serves the serial port, the generation event
// and virtio-mmio, everything on PCI sends its own messages.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "vmm/arch/x86_64/platform.h"
#include "vmm/bus/bus.h"
#include "vmm/interrupt/interrupt.h"
#include "vmm/state/state.h"

namespace proa::vmm::irqchip {

// The message of a pin that is in use and not masked; for telling KVM which vectors need an EOI
// exit.
struct PinRoute {
  std::uint32_t pin = 0;
  MsiMessage message;
};

// Where messages go and who is told when pins are routed anew. Called with the IOAPIC locked.
class IoApicOutput {
 public:
  virtual ~IoApicOutput() = default;
  virtual void deliver(const MsiMessage& message) = 0;
  virtual void routes_changed(const std::vector<PinRoute>& level_pins) = 0;
};

// Spec:   Intel 82093AA; 24 pins, version 0x20 (with an EOI register, so that no broadcast is
//         needed)
// Thread: any.
class IoApic : public BusDevice, public Stateful {
 public:
  // Shows the guest `pins` pins, at most kIoApicPins: it touches each several times while it boots,
  // and every time exits to us.
  explicit IoApic(IoApicOutput& output, std::uint32_t pins = x86_64::kIoApicPins);

  void pulse(std::uint32_t pin);
  void set_level(std::uint32_t pin, bool high);
  // A processor acknowledged `vector`: level pins that are still high deliver again.
  void end_of_interrupt(std::uint8_t vector);

  Result<void> read(std::uint64_t offset, MutableByteSpan into) override;
  Result<void> write(std::uint64_t offset, ByteSpan from) override;
  Result<void> save(StateWriter& writer) const override;
  Result<void> restore(StateReader& reader) override;

 private:
  void deliver_if_due(std::uint32_t pin);
  void deliver(std::uint32_t pin);
  void write_register(std::uint32_t value);
  std::uint32_t read_register() const;
  void announce_routes();

  IoApicOutput& output_;
  const std::uint32_t pins_;
  mutable std::mutex mutex_;
  std::uint8_t selected_ = 0;
  std::uint8_t id_ = 0;
  std::uint32_t levels_ = 0;   // one bit a pin
  std::uint32_t pending_ = 0;  // edges that came while masked
  std::array<std::uint64_t, x86_64::kIoApicPins> table_;
};

// One pin as devices know it. Thread: any. Owner: the machine.
class IoApicLine : public InterruptLine {
 public:
  IoApicLine(IoApic& ioapic, std::uint32_t pin) : ioapic_(ioapic), pin_(pin) {}
  void pulse() override { ioapic_.pulse(pin_); }
  void set_level(bool high) override { ioapic_.set_level(pin_, high); }

 private:
  IoApic& ioapic_;
  std::uint32_t pin_;
};

}  // namespace proa::vmm::irqchip
