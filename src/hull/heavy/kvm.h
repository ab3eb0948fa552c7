// The hypervisor `kvm`: Proa's own monitor, proa-vmm, one process a machine.
#pragma once

#include <memory>

#include "hull/heavy/hypervisor.h"

namespace proa::hull {

// For hosts whose KVM really runs guests.
std::unique_ptr<Hypervisor> make_kvm();

}  // namespace proa::hull
