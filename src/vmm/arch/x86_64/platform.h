// The fixed parts of our x86-64 machine: ports, interrupt pins and identifiers that the ACPI
// tables name and the machine puts devices at.
#pragma once

#include <cstdint>

namespace proa::vmm::x86_64 {

constexpr std::uint16_t kSerialPort = 0x3f8;  // COM1, 8 ports
constexpr std::uint16_t kSerialPortCount = 8;
constexpr std::uint16_t kPowerPort = 0x600;  // sleep control, sleep status, reset
constexpr std::uint16_t kPowerPortCount = 3;
constexpr std::uint16_t kPanicPort = 0x505;  // pvpanic
constexpr std::uint16_t kPciAddressPort = 0xcf8;
constexpr std::uint16_t kPciDataPort = 0xcfc;

constexpr std::uint32_t kIoApicPins = 24;
constexpr std::uint32_t kSerialPin = 4;
constexpr std::uint32_t kGenerationPin = 5;   // VMGenID's event
constexpr std::uint32_t kFirstVirtioPin = 8;  // virtio-mmio device n has pin 8 + n
constexpr std::uint32_t kMaxVirtioMmio = kIoApicPins - kFirstVirtioPin;

constexpr unsigned kMaxVcpus = 64;

// The value of SLP_TYP that means S5, and what a write to the reset port must be.
constexpr std::uint8_t kSleepTypeS5 = 5;
constexpr std::uint8_t kResetValue = 1;

}  // namespace proa::vmm::x86_64
