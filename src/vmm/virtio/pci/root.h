// PCI segment 0, bus 0: a host bridge and one function a device, found through the memory-mapped
// configuration window (ECAM, announced by MCFG) or the ports CF8 and CFC, which take fewer exits
// to set up early in a boot. No bridges, no hot-plug, no legacy interrupts.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "vmm/bus/bus.h"
#include "vmm/state/state.h"
#include "vmm/virtio/pci/function.h"

namespace proa::vmm::virtio::pci {

constexpr std::uint8_t kMaxDevices = 32;
constexpr std::uint16_t kConfigPorts = 0xcf8;
constexpr std::uint16_t kConfigPortCount = 8;

// Owner: the machine; functions are borrowed and outlive it.
// Thread: add before the first vCPU runs; the windows from every vCPU.
class Root final : public Stateful {
 public:
  Root();

  // Puts a function in the next free slot and gives the slot, 1 to 31.
  //
  // Errors: exhausted
  Result<std::uint8_t> add(Function& function);

  // One MiB at kPciEcam, and kConfigPorts on the port bus.
  BusDevice& ecam() { return ecam_; }
  BusDevice& ports() { return ports_; }

  Result<void> save(StateWriter& writer) const override;
  Result<void> restore(StateReader& reader) override;

 private:
  class HostBridge final : public Function {
   public:
    HostBridge();
    void read_config(std::uint64_t offset, MutableByteSpan into) override;
    void write_config(std::uint64_t offset, ByteSpan from) override;

   private:
    ConfigSpace config_;
  };
  class Ecam final : public BusDevice {
   public:
    explicit Ecam(Root& root) : root_(root) {}
    Result<void> read(std::uint64_t offset, MutableByteSpan into) override;
    Result<void> write(std::uint64_t offset, ByteSpan from) override;

   private:
    Root& root_;
  };
  class Ports final : public BusDevice {
   public:
    explicit Ports(Root& root) : root_(root) {}
    Result<void> read(std::uint64_t offset, MutableByteSpan into) override;
    Result<void> write(std::uint64_t offset, ByteSpan from) override;

   private:
    Root& root_;
  };

  // Device and function 0 only; nothing elsewhere.
  Function* find(std::uint64_t slot_and_function) const;

  HostBridge bridge_;
  std::array<Function*, kMaxDevices> functions_ = {};
  Ecam ecam_{*this};
  Ports ports_{*this};
  mutable std::mutex mutex_;
  std::uint32_t address_ = 0;  // the last write to CF8; guarded by mutex_
};

}  // namespace proa::vmm::virtio::pci
