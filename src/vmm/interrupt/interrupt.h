// How devices reach the guest's processors, and the guest's kicks reach devices: interfaces that
// the machine implements over KVM and tests implement over a list.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/fd.h"
#include "base/result.h"
#include "vmm/memory/guest_addr.h"

namespace proa::vmm {

// A message-signalled interrupt: what a PCI function's MSI-X entry holds. Foreign numbers; KVM
// ignores what addresses no local APIC.
struct MsiMessage {
  std::uint64_t address = 0;
  std::uint32_t data = 0;
  bool operator==(const MsiMessage&) const = default;
};

// An input pin of the IOAPIC, for devices without MSI-X. Thread: any.
class InterruptLine {
 public:
  virtual ~InterruptLine() = default;
  // One edge: for pins that ACPI calls edge triggered (virtio-mmio, COM1).
  virtual void pulse() = 0;
  // The level, held until it is set again.
  virtual void set_level(bool high) = 0;
};

// A place in KVM's interrupt routing for one MSI-X vector that another process or the kernel
// signals by eventfd (vhost-user, vhost). Owner: the transport. Thread: its owner's.
class MsiRoute {
 public:
  virtual ~MsiRoute() = default;
  // The eventfd whose signal delivers the message.
  virtual FdRef event() const = 0;
  // Delivers `message` from now on. A signal while masked is kept and comes out on the next set.
  virtual Result<void> set(const MsiMessage& message) = 0;
  virtual Result<void> mask() = 0;
};

// Thread: any. Owner: the machine.
class Interrupts {
 public:
  virtual ~Interrupts() = default;
  // Delivers a message now: one system call, no exit of the guest. For devices of our own.
  virtual Result<void> send(const MsiMessage& message) = 0;
  // Errors: exhausted (KVM's routing table is full)
  virtual Result<std::unique_ptr<MsiRoute>> open_route() = 0;
};

enum class IoSpace : std::uint8_t { memory, ports };

// A guest's writes to one address turned into signals of an eventfd inside KVM, without an exit
// to us. Goes when destroyed. Owner: the transport. Thread: its owner's.
class Doorbell {
 public:
  virtual ~Doorbell() = default;
  virtual FdRef event() const = 0;
};

// Where writes of `length` bytes (0: any length, and then no data) at `address` ring; where
// `match` is set, only those of that number.
struct DoorbellAddress {
  IoSpace space = IoSpace::memory;
  GuestAddr address;
  std::uint32_t length = 0;
  std::optional<std::uint64_t> match;
};

// Thread: any. Owner: the machine.
class Doorbells {
 public:
  virtual ~Doorbells() = default;
  // Rings `event` (borrowed for this call only: the doorbell has its own descriptor of it).
  //
  // Errors: already_exists (the same address, length and match ring already)
  virtual Result<std::unique_ptr<Doorbell>> open(const DoorbellAddress& address, FdRef event) = 0;
};

}  // namespace proa::vmm
