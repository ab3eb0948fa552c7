// The CPUID that a vCPU of ours answers with. Pure.
#pragma once

#include <linux/kvm.h>

#include <cstdint>
#include <vector>

namespace proa::vmm::x86_64 {

// Narrows what KVM supports to what we give, and fills in what depends on the vCPU: its APIC id,
// the topology (one socket, one thread a core), and that there is a hypervisor at all.
//
// Without the hypervisor bit Linux ignores KVM's own leaves, has no kvmclock and then, on
// a machine without a PIT, no way to learn its clock's rate.
//
// Spec:  Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E;
//        Documentation/virt/kvm/x86/cpuid.rst
// Shape: `index` below `count`
std::vector<kvm_cpuid_entry2> plan_cpuid(std::vector<kvm_cpuid_entry2> supported, unsigned index,
                                         unsigned count);

}  // namespace proa::vmm::x86_64
