// One virtual machine put together: memory, interrupt controller, vCPUs, platform devices. Made
// either to boot a kernel or to take back a snapshot; then paused, resumed, watched and saved.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "kernel/event/event_fd.h"
#include "kernel/kvm/system.h"
#include "vmm/bus/bus.h"
#include "vmm/irqchip/ioapic.h"
#include "vmm/machine/interrupts.h"
#include "vmm/machine/spec.h"
#include "vmm/machine/virtio_bus.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/power/power.h"
#include "vmm/serial/uart.h"
#include "vmm/vcpu/vcpu_thread.h"

namespace proa::vmm {

// What the machine's surroundings give it.
struct MachineHost {
  serial::SerialSink serial_sink;
  // Called first on every thread of vCPUs and devices.
  std::function<Result<void>(ThreadKind)> enter_thread;
  virtio::DeviceReports devices;
};

struct MachineStats {
  ExitCounts exits;
  std::uint64_t memory = 0;           // bytes the guest has
  std::uint64_t resident_memory = 0;  // bytes of them that the host holds
  std::uint64_t balloon = 0;          // bytes that the guest has given
};

// Owner: the program. Thread: all methods from the thread that made it, but for kill and end
// (any).
class Machine {
 public:
  // Makes a machine with zeroed memory; `devices` are those of `spec`, opened.
  //
  // Errors: invalid_argument, unsupported (this host's KVM), exhausted
  static Result<std::unique_ptr<Machine>> create(const MachineSpec& spec, const kvm::System& system,
                                                 MachineHost host, DeviceList devices);
  // As create, but with a snapshot's memory, mapped privately.
  static Result<std::unique_ptr<Machine>> create_from(const MachineSpec& spec,
                                                      const kvm::System& system, MachineHost host,
                                                      DeviceList devices, FdRef memory_file);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();

  // Puts kernel, initramfs, command line and tables into memory and the first vCPU at the entry.
  Result<void> load(FdRef kernel, std::optional<FdRef> initrd);

  // Starts the vCPUs' threads, all paused.
  Result<void> start();
  void resume();
  // Returns once no vCPU and no device runs. A device that cannot end its work stops the guest.
  void pause();
  bool paused() const { return paused_; }

  // Readable once the guest has ended.
  FdRef ended() const { return ended_.fd(); }
  std::optional<StopReason> end() const;
  void kill();

  // Asks the guest to give that much of its memory, to the page of 4 KiB.
  //
  // Errors: unsupported (no balloon), invalid_argument (more than there is)
  Result<void> set_balloon(std::uint64_t bytes);

  // Saves everything but memory. Only while paused.
  Result<void> save(StateWriter& writer) const;
  // Takes it back, before start; the guest is told of a new generation.
  Result<void> restore(StateReader& reader);

  const MachineSpec& spec() const { return spec_; }
  const GuestMemory& memory() const { return memory_; }
  serial::Uart& serial() { return serial_; }
  MachineStats stats() const;

 private:
  Machine(const MachineSpec& spec, const MemoryLayout& layout, kvm::Vm vm, GuestMemory memory,
          MachineHost host, event::EventFd ended);
  static Result<std::unique_ptr<Machine>> assemble(const MachineSpec& spec,
                                                   const kvm::System& system, MachineHost host,
                                                   DeviceList devices, GuestMemory memory);
  Result<void> set_slots(const DeviceList& devices);
  Result<void> make_vcpus(const kvm::System& system);
  Result<void> place_devices(DeviceList devices);
  Result<void> renew_generation();
  void stop(StopReason reason);

  MachineSpec spec_;
  MemoryLayout layout_;
  MachineHost host_;
  std::vector<std::uint32_t> state_msrs_;
  kvm::Vm vm_;
  GuestMemory memory_;
  Bus ports_;
  Bus mmio_;
  KvmInterrupts interrupts_;
  KvmDoorbells doorbells_;
  irqchip::IoApic ioapic_;
  irqchip::IoApicLine serial_line_;
  irqchip::IoApicLine generation_line_;
  serial::Uart serial_;
  power::PowerRegisters power_;
  power::PanicPort panic_;
  event::EventFd ended_;
  mutable std::mutex end_mutex_;
  std::optional<StopReason> end_;  // guarded by end_mutex_
  bool paused_ = true;
  VirtioBus virtio_;
  VcpuSurroundings surroundings_;
  // Last: their threads use all of the above.
  std::vector<std::unique_ptr<VcpuThread>> vcpus_;
};

}  // namespace proa::vmm
