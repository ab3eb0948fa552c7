// One virtual machine: its memory slots, interrupt routing, eventfds and clock.
#pragma once

#include <linux/kvm.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/kvm/vcpu.h"

namespace proa::kvm {

enum class SlotAccess : std::uint8_t { read_write, read_only };

struct MemorySlot {
  std::uint32_t slot = 0;
  std::uint64_t guest_address = 0;
  std::uint64_t size = 0;
  std::uint64_t host_address = 0;
  SlotAccess access = SlotAccess::read_write;
};

// A write that KVM turns into a signal of an eventfd.
struct IoEvent {
  std::uint64_t address = 0;
  std::uint32_t length = 0;  // 0: any
  bool port = false;
  std::optional<std::uint64_t> match;
};

// Setting slots, then making vCPUs, then eventfds is the quick order: each slot changed after
// the irqchip exists waits for a grace period of several milliseconds.
//
// Spec:   Documentation/virt/kvm/api.rst, section 4, "vm ioctl"
// Thread: any, but for the order above.
class Vm {
 public:
  Vm(Fd fd, std::size_t run_size) : fd_(std::move(fd)), run_size_(run_size) {}

  // Where KVM on Intel hosts puts four pages of its own.
  Result<void> place_internals(std::uint64_t identity_map, std::uint64_t tss);
  Result<void> set_slot(const MemorySlot& slot);
  // Local APICs inside KVM, the IOAPIC (with `pins` pins) outside.
  Result<void> enable_split_irqchip(std::uint32_t pins);
  // Errors: exhausted (more vCPUs than this KVM has)
  Result<Vcpu> create_vcpu(std::uint32_t id);

  // Delivers a message-signalled interrupt now. A message nobody accepts is no error.
  Result<void> signal_msi(std::uint64_t address, std::uint32_t data) const;
  // Replaces the whole routing table.
  Result<void> set_routes(const std::vector<kvm_irq_routing_entry>& routes) const;
  // Lets `event` raise `gsi`.
  Result<void> assign_irqfd(FdRef event, std::uint32_t gsi) const;
  Result<void> remove_irqfd(FdRef event, std::uint32_t gsi) const;
  Result<void> assign_ioeventfd(FdRef event, const IoEvent& place) const;
  Result<void> remove_ioeventfd(FdRef event, const IoEvent& place) const;

  Result<kvm_clock_data> clock() const;
  Result<void> set_clock(const kvm_clock_data& clock) const;

 private:
  Result<void> irqfd(FdRef event, std::uint32_t gsi, std::uint32_t flags) const;
  Result<void> ioeventfd(FdRef event, const IoEvent& place, std::uint32_t flags) const;

  Fd fd_;
  std::size_t run_size_;
};

}  // namespace proa::kvm
