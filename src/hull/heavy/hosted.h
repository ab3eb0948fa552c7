// The hypervisor `hosted`: QEMU, on KVM where that runs guests, else by emulation.
#pragma once

#include <memory>

#include "hull/heavy/hypervisor.h"
#include "hull/heavy/qemu_command.h"

namespace proa::hull {

std::unique_ptr<Hypervisor> make_hosted(Accelerator accelerator);

}  // namespace proa::hull
