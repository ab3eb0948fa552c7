#include "kernel/kvm/vm.h"

#include <sys/ioctl.h>

#include <cerrno>

#include "kernel/kvm/variable.h"

namespace proa::kvm {

Result<void> Vm::place_internals(std::uint64_t identity_map, std::uint64_t tss) {
  // AMD's KVM has no such pages, and says so.
  if (::ioctl(fd_.get(), KVM_SET_IDENTITY_MAP_ADDR, &identity_map) != 0 && errno != ENOTTY &&
      errno != EINVAL) {
    return fail_errno("placing KVM's identity map");
  }
  if (::ioctl(fd_.get(), KVM_SET_TSS_ADDR, tss) != 0 && errno != ENOTTY && errno != EINVAL) {
    return fail_errno("placing KVM's TSS");
  }
  return {};
}

Result<void> Vm::set_slot(const MemorySlot& slot) {
  kvm_userspace_memory_region region = {};
  region.slot = slot.slot;
  region.flags = slot.access == SlotAccess::read_only ? KVM_MEM_READONLY : 0;
  region.guest_phys_addr = slot.guest_address;
  region.memory_size = slot.size;
  region.userspace_addr = slot.host_address;
  if (::ioctl(fd_.get(), KVM_SET_USER_MEMORY_REGION, &region) != 0) {
    return fail_errno("giving the guest ", slot.size, " bytes at ", hex(slot.guest_address));
  }
  return {};
}

Result<void> Vm::enable_split_irqchip(std::uint32_t pins) {
  kvm_enable_cap enable = {};
  enable.cap = KVM_CAP_SPLIT_IRQCHIP;
  enable.args[0] = pins;
  if (::ioctl(fd_.get(), KVM_ENABLE_CAP, &enable) != 0) {
    return fail_errno("turning on the split interrupt controller");
  }
  return {};
}

Result<Vcpu> Vm::create_vcpu(std::uint32_t id) {
  Fd vcpu(::ioctl(fd_.get(), KVM_CREATE_VCPU, id));
  if (!vcpu.valid()) return fail_errno("making vCPU ", id);
  return Vcpu::open(std::move(vcpu), run_size_);
}

Result<void> Vm::signal_msi(std::uint64_t address, std::uint32_t data) const {
  kvm_msi message = {};
  message.address_lo = static_cast<std::uint32_t>(address);
  message.address_hi = static_cast<std::uint32_t>(address >> 32);
  message.data = data;
  // 0 says that the guest blocked it: its business.
  if (::ioctl(fd_.get(), KVM_SIGNAL_MSI, &message) < 0) return fail_errno("sending an interrupt");
  return {};
}

Result<void> Vm::set_routes(const std::vector<kvm_irq_routing_entry>& routes) const {
  Variable<ListHead, kvm_irq_routing_entry> table{std::span(routes)};
  if (::ioctl(fd_.get(), kSetGsiRouting, table.data()) != 0) {
    return fail_errno("routing ", routes.size(), " interrupts");
  }
  return {};
}

Result<void> Vm::irqfd(FdRef event, std::uint32_t gsi, std::uint32_t flags) const {
  kvm_irqfd request = {};
  request.fd = static_cast<std::uint32_t>(event.get());
  request.gsi = gsi;
  request.flags = flags;
  if (::ioctl(fd_.get(), KVM_IRQFD, &request) != 0) {
    return fail_errno("tying an eventfd to interrupt ", gsi);
  }
  return {};
}

Result<void> Vm::assign_irqfd(FdRef event, std::uint32_t gsi) const { return irqfd(event, gsi, 0); }

Result<void> Vm::remove_irqfd(FdRef event, std::uint32_t gsi) const {
  return irqfd(event, gsi, KVM_IRQFD_FLAG_DEASSIGN);
}

Result<void> Vm::ioeventfd(FdRef event, const IoEvent& place, std::uint32_t flags) const {
  kvm_ioeventfd request = {};
  request.fd = event.get();
  request.addr = place.address;
  request.len = place.length;
  request.flags = flags;
  if (place.port) request.flags |= KVM_IOEVENTFD_FLAG_PIO;
  if (place.match.has_value()) {
    request.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
    request.datamatch = *place.match;
  }
  if (::ioctl(fd_.get(), KVM_IOEVENTFD, &request) != 0) {
    return fail_errno("tying an eventfd to writes at ", hex(place.address));
  }
  return {};
}

Result<void> Vm::assign_ioeventfd(FdRef event, const IoEvent& place) const {
  return ioeventfd(event, place, 0);
}

Result<void> Vm::remove_ioeventfd(FdRef event, const IoEvent& place) const {
  return ioeventfd(event, place, KVM_IOEVENTFD_FLAG_DEASSIGN);
}

Result<kvm_clock_data> Vm::clock() const {
  kvm_clock_data clock = {};
  if (::ioctl(fd_.get(), KVM_GET_CLOCK, &clock) != 0) return fail_errno("reading the clock");
  return clock;
}

Result<void> Vm::set_clock(const kvm_clock_data& clock) const {
  kvm_clock_data copy = clock;
  // The guest's clock goes on where it stopped; host time in between is not added.
  copy.flags = 0;
  if (::ioctl(fd_.get(), KVM_SET_CLOCK, &copy) != 0) return fail_errno("setting the clock");
  return {};
}

}  // namespace proa::kvm
