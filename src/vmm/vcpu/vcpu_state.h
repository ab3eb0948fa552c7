// A virtual processor's registers and interrupt state as part of a snapshot.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/kvm/vcpu.h"
#include "vmm/state/state.h"

namespace proa::vmm {

// Saves a paused vCPU: all MSRs of `indexes` that it has, and everything else KVM keeps.
Result<void> save_vcpu(const kvm::Vcpu& vcpu, std::span<const std::uint32_t> indexes,
                       StateWriter& writer);

// Puts it into a fresh vCPU whose CPUID is set.
//
// Errors: corrupt, unsupported (another clock rate or MSR than this host can give)
Result<void> restore_vcpu(const kvm::Vcpu& vcpu, StateReader& reader);

}  // namespace proa::vmm
