// How a guest ends: the ACPI sleep and reset registers, and the port by which a panicking kernel
// says so. What it asked for is kept; the machine acts on it.
#pragma once

#include <cstdint>
#include <functional>

#include "vmm/bus/bus.h"

namespace proa::vmm::power {

enum class PowerEvent : std::uint8_t { poweroff, reboot, panic };

using PowerHandler = std::function<void(PowerEvent)>;

// Three ports: sleep control, sleep status, reset. No state to save: a guest that has written is
// gone. Thread: any; the handler is called on the vCPU's.
//
// Spec: ACPI 6.4, 4.8.3.7 (sleep control and status), 4.8.3.6 (reset)
class PowerRegisters : public BusDevice {
 public:
  explicit PowerRegisters(PowerHandler handler) : handler_(std::move(handler)) {}
  Result<void> read(std::uint64_t offset, MutableByteSpan into) override;
  Result<void> write(std::uint64_t offset, ByteSpan from) override;

 private:
  PowerHandler handler_;
};

// One port: reads as the events we take, written with the event that happened.
//
// Spec: QEMU's docs/specs/pvpanic; bit 0 panicked, bit 1 crash kernel takes over
class PanicPort : public BusDevice {
 public:
  explicit PanicPort(PowerHandler handler) : handler_(std::move(handler)) {}
  Result<void> read(std::uint64_t offset, MutableByteSpan into) override;
  Result<void> write(std::uint64_t offset, ByteSpan from) override;

 private:
  PowerHandler handler_;
};

}  // namespace proa::vmm::power
