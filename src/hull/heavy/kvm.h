// The hypervisor `kvm`: Proa's own monitor, proa-vmm, one process a machine.
#pragma once

#include <memory>
#include <string>

#include "hull/heavy/hypervisor.h"

namespace proa::hull {

// For hosts whose KVM really runs guests. `programs` is the directory of proa-vmm.
std::unique_ptr<Hypervisor> make_kvm(const std::string& programs);

}  // namespace proa::hull
