// A machine's virtio devices, made from their spec with all their files open, before any machine
// is there: afterwards nothing of the host's names is needed any more.
#pragma once

#include <memory>
#include <vector>

#include "vmm/machine/device_spec.h"
#include "vmm/machine/named_files.h"
#include "vmm/virtio/core/device.h"

namespace proa::vmm::virtio {
namespace balloon {
class BalloonDevice;
}
namespace pmem {
class PmemDevice;
}
}  // namespace proa::vmm::virtio

namespace proa::vmm {

struct DeviceList {
  bool virtio_mmio = false;
  // In the order of their places on the bus: disks, networks, and so on, as DeviceSpecs has them.
  std::vector<std::unique_ptr<virtio::Device>> devices;
  // Those of them that the machine must know by more: they need memory slots, or take orders.
  std::vector<virtio::pmem::PmemDevice*> pmem;
  virtio::balloon::BalloonDevice* balloon = nullptr;
};

// Refuses what no machine of ours can have.
//
// Errors: invalid_argument (names the field)
Result<void> check(const DeviceSpecs& specs);

// Errors: invalid_argument, and whatever opening a file gives (names the device)
Result<DeviceList> open_devices(const DeviceSpecs& specs, NamedFiles& files);

}  // namespace proa::vmm
