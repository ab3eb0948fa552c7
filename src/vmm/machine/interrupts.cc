#include "vmm/machine/interrupts.h"

#include <fcntl.h>

#include <utility>

#include "kernel/event/event_fd.h"
#include "vmm/arch/x86_64/platform.h"

namespace proa::vmm {
namespace {

constexpr std::uint32_t kMaxRoutes = 4096;  // KVM's own limit

kvm_irq_routing_entry entry_of(std::uint32_t gsi, const MsiMessage& message) {
  kvm_irq_routing_entry entry = {};
  entry.gsi = gsi;
  entry.type = KVM_IRQ_ROUTING_MSI;
  entry.u.msi.address_lo = static_cast<std::uint32_t>(message.address);
  entry.u.msi.address_hi = static_cast<std::uint32_t>(message.address >> 32);
  entry.u.msi.data = message.data;
  return entry;
}

}  // namespace

// While masked the eventfd is not tied to KVM, so its counter keeps what comes.
class KvmMsiRoute : public MsiRoute {
 public:
  KvmMsiRoute(KvmInterrupts& interrupts, std::uint32_t gsi, event::EventFd event)
      : interrupts_(interrupts), gsi_(gsi), event_(std::move(event)) {}
  ~KvmMsiRoute() override {
    discard(mask(), "the route goes with its eventfd anyway");
    interrupts_.release(gsi_);
  }

  FdRef event() const override { return event_.fd(); }

  Result<void> set(const MsiMessage& message) override {
    TRY(interrupts_.route(gsi_, message));
    if (!tied_) TRY(interrupts_.vm_.assign_irqfd(event_.fd(), gsi_));
    tied_ = true;
    return {};
  }

  Result<void> mask() override {
    if (!std::exchange(tied_, false)) return {};
    TRY(interrupts_.vm_.remove_irqfd(event_.fd(), gsi_));
    return interrupts_.route(gsi_, std::nullopt);
  }

 private:
  KvmInterrupts& interrupts_;
  std::uint32_t gsi_;
  event::EventFd event_;
  bool tied_ = false;
};

Result<void> KvmInterrupts::send(const MsiMessage& message) {
  return vm_.signal_msi(message.address, message.data);
}

void KvmInterrupts::deliver(const MsiMessage& message) {
  discard(send(message), "KVM refuses only messages that address no processor: the guest's doing");
}

Result<void> KvmInterrupts::write_table() {
  std::vector<kvm_irq_routing_entry> table;
  for (const auto& [gsi, message] : routes_) {
    if (message.has_value()) table.push_back(entry_of(gsi, *message));
  }
  return vm_.set_routes(table);
}

Result<void> KvmInterrupts::route(std::uint32_t gsi, std::optional<MsiMessage> message) {
  const std::lock_guard lock(mutex_);
  routes_[gsi] = message;
  return write_table();
}

void KvmInterrupts::release(std::uint32_t gsi) {
  const std::lock_guard lock(mutex_);
  routes_.erase(gsi);
}

Result<std::unique_ptr<MsiRoute>> KvmInterrupts::open_route() {
  event::EventFd event = TRY(event::EventFd::create());
  const std::lock_guard lock(mutex_);
  std::uint32_t gsi = x86_64::kIoApicPins;
  while (routes_.contains(gsi)) ++gsi;
  if (gsi >= kMaxRoutes) return fail(ErrorKind::exhausted, "KVM has no interrupt routes left");
  routes_[gsi] = std::nullopt;
  return std::unique_ptr<MsiRoute>(new KvmMsiRoute(*this, gsi, std::move(event)));
}

void KvmInterrupts::routes_changed(const std::vector<irqchip::PinRoute>& level_pins) {
  const std::lock_guard lock(mutex_);
  for (std::uint32_t pin = 0; pin < x86_64::kIoApicPins; ++pin) routes_.erase(pin);
  for (const irqchip::PinRoute& route : level_pins) routes_[route.pin] = route.message;
  discard(write_table(), "without it a level interrupt is late until the next, never lost");
}

namespace {

class KvmDoorbell : public Doorbell {
 public:
  KvmDoorbell(kvm::Vm& vm, const kvm::IoEvent& place, Fd event)
      : vm_(vm), place_(place), event_(std::move(event)) {}
  ~KvmDoorbell() override {
    discard(vm_.remove_ioeventfd(event_, place_), "KVM drops it with the eventfd");
  }
  FdRef event() const override { return event_; }

 private:
  kvm::Vm& vm_;
  kvm::IoEvent place_;
  Fd event_;
};

}  // namespace

Result<std::unique_ptr<Doorbell>> KvmDoorbells::open(const DoorbellAddress& address, FdRef event) {
  Fd own(::fcntl(event.get(), F_DUPFD_CLOEXEC, 0));
  if (!own.valid()) return fail_errno("duplicating an eventfd");
  const kvm::IoEvent place{.address = address.address.value,
                           .length = address.length,
                           .port = address.space == IoSpace::ports,
                           .match = address.match};
  TRY(vm_.assign_ioeventfd(own, place));
  return std::unique_ptr<Doorbell>(new KvmDoorbell(vm_, place, std::move(own)));
}

}  // namespace proa::vmm
