// Why a guest does not run any more.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace proa::vmm {

enum class StopKind : std::uint8_t {
  poweroff,      // the guest switched itself off (ACPI S5)
  reboot,        // the guest asked for a reset (ACPI reset register)
  panic,         // the guest's kernel said that it panicked
  triple_fault,  // the processor gave up: a broken guest, or one that reboots so
  guest_fault,   // the guest did what no correct guest does; the text says what
  failed,        // KVM or the monitor cannot go on; the text says why
  killed,        // the controller asked for it
};

constexpr std::string_view name(StopKind kind) {
  switch (kind) {
    case StopKind::poweroff:
      return "poweroff";
    case StopKind::reboot:
      return "reboot";
    case StopKind::panic:
      return "panic";
    case StopKind::triple_fault:
      return "triple-fault";
    case StopKind::guest_fault:
      return "guest-fault";
    case StopKind::failed:
      return "failed";
    case StopKind::killed:
      return "killed";
  }
  return "";
}

struct StopReason {
  StopKind kind = StopKind::failed;
  std::string text;  // for guest_fault and failed
  bool operator==(const StopReason&) const = default;
};

}  // namespace proa::vmm
