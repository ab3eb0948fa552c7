// /dev/kvm: what the host's KVM can do, and where virtual machines come from.
#pragma once

#include <linux/kvm.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/kvm/vm.h"

namespace proa::kvm {

// Spec:   Documentation/virt/kvm/api.rst, section 4, "system ioctl"
// Thread: any.
class System {
 public:
  // Opens the device and checks that it speaks API version 12.
  //
  // Errors: not_found, permission, unsupported (another version)
  static Result<System> open(const std::string& path = "/dev/kvm");

  // The value of a KVM_CAP_ constant; 0 where it is not there.
  int extension(int capability) const;
  // Errors: unsupported (names the capability)
  Result<void> require(int capability, const char* capability_name) const;
  // All CPUID leaves that KVM can give a guest.
  Result<std::vector<kvm_cpuid_entry2>> supported_cpuid() const;
  // The MSRs that make up a vCPU's state (KVM_GET_MSR_INDEX_LIST).
  Result<std::vector<std::uint32_t>> state_msrs() const;

  Result<Vm> create_vm() const;

 private:
  System(Fd fd, std::size_t run_size) : fd_(std::move(fd)), run_size_(run_size) {}

  Fd fd_;
  std::size_t run_size_;  // bytes of a vCPU's shared page
};

}  // namespace proa::kvm
