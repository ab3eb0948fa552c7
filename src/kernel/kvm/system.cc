#include "kernel/kvm/system.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include "kernel/kvm/variable.h"

namespace proa::kvm {
namespace {

constexpr int kApiVersion = 12;
constexpr std::uint32_t kMaxCpuidEntries = 256;
constexpr std::uint32_t kMaxMsrs = 1024;

}  // namespace

Result<System> System::open(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("opening ", path);
  const int version = ::ioctl(fd.get(), KVM_GET_API_VERSION, 0);
  if (version != kApiVersion) {
    return fail(ErrorKind::unsupported, path, " speaks KVM API version ", version, ", not 12");
  }
  const int size = ::ioctl(fd.get(), KVM_GET_VCPU_MMAP_SIZE, 0);
  if (size < static_cast<int>(sizeof(kvm_run))) return fail_errno("asking ", path, " for sizes");
  return System(std::move(fd), static_cast<std::size_t>(size));
}

int System::extension(int capability) const {
  const int value = ::ioctl(fd_.get(), KVM_CHECK_EXTENSION, capability);
  return value < 0 ? 0 : value;
}

Result<void> System::require(int capability, const char* capability_name) const {
  if (extension(capability) > 0) return {};
  return fail(ErrorKind::unsupported, "this host's KVM has no ", capability_name);
}

Result<std::vector<kvm_cpuid_entry2>> System::supported_cpuid() const {
  Variable<ListHead, kvm_cpuid_entry2> cpuid(kMaxCpuidEntries);
  if (::ioctl(fd_.get(), kGetSupportedCpuid, cpuid.data()) != 0) {
    return fail_errno("asking KVM for the CPUID it supports");
  }
  return cpuid.elements();
}

Result<std::vector<std::uint32_t>> System::state_msrs() const {
  Variable<ShortListHead, std::uint32_t> list(kMaxMsrs);
  if (::ioctl(fd_.get(), kGetMsrIndexList, list.data()) != 0) {
    return fail_errno("asking KVM for its list of MSRs");
  }
  return list.elements();
}

Result<Vm> System::create_vm() const {
  // A signal may interrupt the kernel while it registers with the memory's users.
  int made = -1;
  do made = ::ioctl(fd_.get(), KVM_CREATE_VM, 0);
  while (made < 0 && errno == EINTR);
  Fd vm(made);
  if (!vm.valid()) return fail_errno("making a virtual machine");
  return Vm(std::move(vm), run_size_);
}

}  // namespace proa::kvm
