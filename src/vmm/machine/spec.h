// What a virtual machine consists of, as its starter says it: in a JSON file or in a message on
// the control socket. docs/formats/vmm.md lists the fields.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/result.h"
#include "vmm/machine/device_spec.h"

namespace proa::vmm {

struct MachineSpec {
  std::uint64_t memory_mib = 256;
  std::uint32_t vcpus = 1;
  std::string kernel;  // vmlinux with a PVH entry, or an LZ4 bzImage; empty for a snapshot's
  std::string initrd;  // empty: none
  std::string command_line;
  bool shared_memory = false;  // for devices that another process serves
  DeviceSpecs devices;

  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "memory_mib", self.memory_mib);
    visit(2, "vcpus", self.vcpus);
    visit(3, "kernel", self.kernel);
    visit(4, "initrd", self.initrd);
    visit(5, "command_line", self.command_line);
    visit(6, "shared_memory", self.shared_memory);
    visit(7, "devices", self.devices);
  }
};

// Refuses what no machine of ours can be.
//
// Errors: invalid_argument (names the field)
Result<void> check(const MachineSpec& spec);

}  // namespace proa::vmm
