// QEMU's command line for a machine, and the descriptors that it names: everything that the
// machine is made of is opened here, so that QEMU's jail holds no file of the host but programs.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "hull/heavy/hypervisor.h"

namespace proa::hull {

enum class Accelerator : std::uint8_t { kvm, emulation };

struct QemuCommand {
  std::vector<std::string> arguments;
  std::vector<Fd> descriptors;  // QEMU gets them as 3, 4, ...
  std::vector<LayerPlace> layer_places;
};

// `control` is QEMU's end of the QMP connection; takes the spec's descriptors over.
//
// Errors: not_found (a file), invalid_argument (a layer's size, a command line that is too long)
Result<QemuCommand> make_qemu_command(VmSpec& spec, Fd control, Accelerator accelerator);

}  // namespace proa::hull
