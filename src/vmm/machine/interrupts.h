// Interrupts and doorbells over KVM: what src/vmm/interrupt/ promises to devices.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "kernel/kvm/vm.h"
#include "vmm/interrupt/interrupt.h"
#include "vmm/irqchip/ioapic.h"

namespace proa::vmm {

// KVM's one routing table, shared by the IOAPIC's level pins and the MSI routes.
// Thread: any. Owner: the machine; outlives every route.
class KvmInterrupts : public Interrupts, public irqchip::IoApicOutput {
 public:
  explicit KvmInterrupts(kvm::Vm& vm) : vm_(vm) {}

  Result<void> send(const MsiMessage& message) override;
  Result<std::unique_ptr<MsiRoute>> open_route() override;

  void deliver(const MsiMessage& message) override;
  void routes_changed(const std::vector<irqchip::PinRoute>& level_pins) override;

 private:
  friend class KvmMsiRoute;
  Result<void> route(std::uint32_t gsi, std::optional<MsiMessage> message);
  void release(std::uint32_t gsi);
  Result<void> write_table();  // with the mutex held

  kvm::Vm& vm_;
  std::mutex mutex_;
  std::map<std::uint32_t, std::optional<MsiMessage>> routes_;  // by GSI; empty while masked
};

// Thread: any. Owner: the machine; outlives every doorbell.
class KvmDoorbells : public Doorbells {
 public:
  explicit KvmDoorbells(kvm::Vm& vm) : vm_(vm) {}
  Result<std::unique_ptr<Doorbell>> open(const DoorbellAddress& address, FdRef event) override;

 private:
  kvm::Vm& vm_;
};

}  // namespace proa::vmm
