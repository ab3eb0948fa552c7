// A machine's virtio devices in their places: transport, interrupts, doorbells, and the threads
// that serve them. Pauses, saves and restores all of them together.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "vmm/bus/bus.h"
#include "vmm/interrupt/interrupt.h"
#include "vmm/irqchip/ioapic.h"
#include "vmm/machine/device_list.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/state/state.h"
#include "vmm/vcpu/thread_kind.h"
#include "vmm/virtio/core/controller.h"
#include "vmm/virtio/core/transport.h"
#include "vmm/virtio/core/worker.h"
#include "vmm/virtio/pci/root.h"

namespace proa::vmm {

// What the bus works with. Owner: the machine, which outlives the bus.
struct VirtioSurroundings {
  GuestMemory& memory;
  Interrupts& interrupts;
  irqchip::IoApic& ioapic;
  Bus& mmio;
  Bus& ports;
  // Called first on every worker's thread.
  std::function<Result<void>(ThreadKind)> enter_thread;
  virtio::DeviceReports reports;
};

// Owner: the machine. Thread: the machine's own, while no vCPU runs.
class VirtioBus final : public Stateful {
 public:
  explicit VirtioBus(VirtioSurroundings surroundings) : surroundings_(std::move(surroundings)) {}

  // Puts the devices in their places. Once.
  Result<void> place(DeviceList list);
  // Turns kicks into events. After the vCPUs are made.
  Result<void> open_doorbells(Doorbells& doorbells);

  bool has_pci() const { return root_.has_value(); }
  unsigned mmio_devices() const { return static_cast<unsigned>(lines_.size()); }

  // Returns once no worker serves events and no request is in flight.
  //
  // Errors: whatever a device gives that cannot end its work
  Result<void> pause();
  void resume();

  // Errors: unsupported (no balloon)
  Result<void> set_balloon(std::uint32_t pages);
  std::uint64_t balloon_pages() const;

  Result<void> save(StateWriter& writer) const override;
  Result<void> restore(StateReader& reader) override;

 private:
  Result<void> place_one(std::unique_ptr<virtio::Device> device, bool virtio_mmio);
  // A thread of its own for devices that move bulk data, one for all others.
  Result<virtio::Worker*> worker_for(virtio::DeviceType type);
  // The first that a worker's thread does.
  Result<void> enter(ThreadKind kind);

  VirtioSurroundings surroundings_;
  std::optional<virtio::pci::Root> root_;
  std::vector<std::unique_ptr<irqchip::IoApicLine>> lines_;
  std::vector<std::unique_ptr<virtio::Worker>> workers_;
  virtio::Worker* shared_worker_ = nullptr;
  virtio::balloon::BalloonDevice* balloon_ = nullptr;
  std::vector<std::unique_ptr<virtio::Transport>> transports_;
};

}  // namespace proa::vmm
