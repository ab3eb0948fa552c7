#include "vmm/power/power.h"

#include "vmm/arch/x86_64/platform.h"

namespace proa::vmm::power {
namespace {

constexpr std::uint64_t kSleepControl = 0;
constexpr std::uint64_t kReset = 2;
constexpr std::uint8_t kPanicked = 1;

}  // namespace

Result<void> PowerRegisters::read(std::uint64_t /*offset*/, MutableByteSpan /*into*/) { return {}; }

Result<void> PowerRegisters::write(std::uint64_t offset, ByteSpan from) {
  const auto value = std::to_integer<std::uint8_t>(from[0]);
  constexpr std::uint8_t kSleepEnable = 1 << 5;
  constexpr unsigned kSleepTypeShift = 2;
  if (offset == kSleepControl && (value & kSleepEnable) != 0 &&
      (value >> kSleepTypeShift & 7) == x86_64::kSleepTypeS5) {
    handler_(PowerEvent::poweroff);
  }
  if (offset == kReset && value == x86_64::kResetValue) handler_(PowerEvent::reboot);
  return {};
}

Result<void> PanicPort::read(std::uint64_t /*offset*/, MutableByteSpan into) {
  into[0] = std::byte{kPanicked};
  return {};
}

Result<void> PanicPort::write(std::uint64_t /*offset*/, ByteSpan from) {
  if ((std::to_integer<std::uint8_t>(from[0]) & kPanicked) != 0) handler_(PowerEvent::panic);
  return {};
}

}  // namespace proa::vmm::power
