// What the machine does with a virtio device whatever carries it: mmio and pci implement this.
#pragma once

#include <memory>

#include "vmm/interrupt/interrupt.h"
#include "vmm/state/state.h"
#include "vmm/virtio/core/controller.h"

namespace proa::vmm::virtio {

// Owner: the machine. Thread: the machine's own, while no vCPU runs.
class Transport : public Stateful {
 public:
  // Turns the guest's kicks into events, one a queue, so that no request exits to us. After the
  // vCPUs are made: in the other order current kernels wait for grace periods.
  virtual Result<void> open_doorbells(Doorbells& doorbells) = 0;
  virtual Controller& controller() = 0;
};

}  // namespace proa::vmm::virtio
