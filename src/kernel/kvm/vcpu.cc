#include "kernel/kvm/vcpu.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "kernel/kvm/variable.h"

namespace proa::kvm {
namespace {

// KVM refuses lists of more MSRs than this in one call.
constexpr std::size_t kMsrBatch = 255;
// As KVM_GET_XSAVE and KVM_SET_XSAVE, whose structure has the same flaw as those in variable.h.
constexpr unsigned long kGetXsave = _IOR(KVMIO, 0xa4, ExtendedState);
constexpr unsigned long kSetXsave = _IOW(KVMIO, 0xa5, ExtendedState);

template <typename Value>
Result<Value> get(const Fd& fd, unsigned long request, const char* what) {
  Value value = {};
  if (::ioctl(fd.get(), request, &value) < 0) return fail_errno("reading the vCPU's ", what);
  return value;
}

template <typename Value>
Result<void> set(const Fd& fd, unsigned long request, const Value& value, const char* what) {
  if (::ioctl(fd.get(), request, &value) < 0) return fail_errno("setting the vCPU's ", what);
  return {};
}

}  // namespace

Result<Vcpu> Vcpu::open(Fd fd, std::size_t run_size) {
  void* const run = ::mmap(nullptr, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (run == MAP_FAILED) return fail_errno("mapping a vCPU's shared page");
  return Vcpu(std::move(fd), static_cast<kvm_run*>(run), run_size);
}

Vcpu::Vcpu(Vcpu&& other) noexcept
    : fd_(std::move(other.fd_)),
      run_(std::exchange(other.run_, nullptr)),
      run_size_(other.run_size_) {}

Vcpu::~Vcpu() {
  if (run_ != nullptr) ::munmap(run_, run_size_);
}

Exit Vcpu::run() {
  if (::ioctl(fd_.get(), KVM_RUN, 0) == 0) return exit_reason();
  if (errno == EINTR || errno == EAGAIN) return Interrupted{};
  return Failed{cat("KVM_RUN: ", std::strerror(errno))};
}

void Vcpu::stop_soon() { __atomic_store_n(&run_->immediate_exit, 1, __ATOMIC_SEQ_CST); }
void Vcpu::run_on() { __atomic_store_n(&run_->immediate_exit, 0, __ATOMIC_SEQ_CST); }

Exit Vcpu::exit_reason() {
  switch (run_->exit_reason) {
    case KVM_EXIT_IO:
      return port_exit();
    case KVM_EXIT_MMIO:
      return mmio_exit();
    case KVM_EXIT_IOAPIC_EOI:
      return IoapicEoi{run_->eoi.vector};
    case KVM_EXIT_INTR:
      return Interrupted{};
    case KVM_EXIT_SHUTDOWN:
      return Shutdown{};
    case KVM_EXIT_FAIL_ENTRY:
      return Failed{cat("the processor refused the guest's state, reason ",
                        hex(run_->fail_entry.hardware_entry_failure_reason))};
    case KVM_EXIT_INTERNAL_ERROR:
      return Failed{run_->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
                        ? std::string("KVM cannot emulate an instruction of the guest")
                        : cat("KVM's internal error ", run_->internal.suberror)};
    default:
      return Failed{cat("KVM's exit reason ", run_->exit_reason)};
  }
}

Exit Vcpu::port_exit() {
  auto* const data = reinterpret_cast<std::byte*>(run_) + run_->io.data_offset;
  const MutableByteSpan bytes(data, std::size_t{run_->io.size} * run_->io.count);
  if (run_->io.direction == KVM_EXIT_IO_IN) return PortIn{run_->io.port, run_->io.size, bytes};
  return PortOut{run_->io.port, run_->io.size, bytes};
}

Exit Vcpu::mmio_exit() {
  auto* const data = reinterpret_cast<std::byte*>(run_->mmio.data);
  const MutableByteSpan bytes(data, std::min<std::size_t>(run_->mmio.len, sizeof run_->mmio.data));
  if (run_->mmio.is_write == 0) return MmioRead{run_->mmio.phys_addr, bytes};
  return MmioWrite{run_->mmio.phys_addr, bytes};
}

Result<void> Vcpu::set_cpuid(std::span<const kvm_cpuid_entry2> entries) const {
  Variable<ListHead, kvm_cpuid_entry2> cpuid(entries);
  if (::ioctl(fd_.get(), kSetCpuid2, cpuid.data()) != 0) return fail_errno("setting CPUID");
  return {};
}

Result<kvm_regs> Vcpu::regs() const { return get<kvm_regs>(fd_, KVM_GET_REGS, "registers"); }
Result<void> Vcpu::set_regs(const kvm_regs& regs) const {
  return set(fd_, KVM_SET_REGS, regs, "registers");
}
Result<kvm_sregs> Vcpu::sregs() const {
  return get<kvm_sregs>(fd_, KVM_GET_SREGS, "system registers");
}
Result<void> Vcpu::set_sregs(const kvm_sregs& sregs) const {
  return set(fd_, KVM_SET_SREGS, sregs, "system registers");
}
Result<kvm_sregs2> Vcpu::sregs2() const {
  return get<kvm_sregs2>(fd_, KVM_GET_SREGS2, "system registers");
}
Result<void> Vcpu::set_sregs2(const kvm_sregs2& sregs) const {
  return set(fd_, KVM_SET_SREGS2, sregs, "system registers");
}
Result<kvm_xcrs> Vcpu::xcrs() const { return get<kvm_xcrs>(fd_, KVM_GET_XCRS, "XCRs"); }
Result<void> Vcpu::set_xcrs(const kvm_xcrs& xcrs) const {
  return set(fd_, KVM_SET_XCRS, xcrs, "XCRs");
}
Result<ExtendedState> Vcpu::xsave() const {
  return get<ExtendedState>(fd_, kGetXsave, "extended state");
}
Result<void> Vcpu::set_xsave(const ExtendedState& xsave) const {
  return set(fd_, kSetXsave, xsave, "extended state");
}
Result<kvm_debugregs> Vcpu::debugregs() const {
  return get<kvm_debugregs>(fd_, KVM_GET_DEBUGREGS, "debug registers");
}
Result<void> Vcpu::set_debugregs(const kvm_debugregs& debugregs) const {
  return set(fd_, KVM_SET_DEBUGREGS, debugregs, "debug registers");
}
Result<kvm_lapic_state> Vcpu::lapic() const {
  return get<kvm_lapic_state>(fd_, KVM_GET_LAPIC, "local APIC");
}
Result<void> Vcpu::set_lapic(const kvm_lapic_state& lapic) const {
  return set(fd_, KVM_SET_LAPIC, lapic, "local APIC");
}
Result<kvm_vcpu_events> Vcpu::events() const {
  return get<kvm_vcpu_events>(fd_, KVM_GET_VCPU_EVENTS, "pending events");
}
Result<void> Vcpu::set_events(const kvm_vcpu_events& events) const {
  return set(fd_, KVM_SET_VCPU_EVENTS, events, "pending events");
}
Result<kvm_mp_state> Vcpu::mp_state() const {
  return get<kvm_mp_state>(fd_, KVM_GET_MP_STATE, "run state");
}
Result<void> Vcpu::set_mp_state(const kvm_mp_state& state) const {
  return set(fd_, KVM_SET_MP_STATE, state, "run state");
}

Result<std::vector<kvm_msr_entry>> Vcpu::msrs(std::span<const std::uint32_t> indexes) const {
  std::vector<kvm_msr_entry> found;
  while (!indexes.empty()) {
    std::vector<kvm_msr_entry> asked(std::min(indexes.size(), kMsrBatch));
    for (std::size_t i = 0; i < asked.size(); ++i) asked[i].index = indexes[i];
    Variable<ListHead, kvm_msr_entry> list{std::span<const kvm_msr_entry>(asked)};
    const int read = ::ioctl(fd_.get(), kGetMsrs, list.data());
    if (read < 0) return fail_errno("reading the vCPU's MSRs");
    // KVM stops at the first that cannot be read: step over it.
    const auto got = static_cast<std::size_t>(read);
    std::ranges::copy(list.elements(got), std::back_inserter(found));
    indexes = indexes.subspan(got < asked.size() ? got + 1 : got);
  }
  return found;
}

Result<void> Vcpu::set_msrs(std::span<const kvm_msr_entry> msrs) const {
  while (!msrs.empty()) {
    const auto asked = msrs.first(std::min(msrs.size(), kMsrBatch));
    Variable<ListHead, kvm_msr_entry> list(asked);
    const int written = ::ioctl(fd_.get(), kSetMsrs, list.data());
    if (written < 0) return fail_errno("setting the vCPU's MSRs");
    const auto taken = static_cast<std::size_t>(written);
    if (taken != asked.size()) {
      return fail(ErrorKind::unsupported, "KVM refuses MSR ", hex(asked[taken].index));
    }
    msrs = msrs.subspan(taken);
  }
  return {};
}

Result<std::uint32_t> Vcpu::tsc_khz() const {
  const int khz = ::ioctl(fd_.get(), KVM_GET_TSC_KHZ, 0);
  if (khz < 0) return fail_errno("reading the vCPU's clock rate");
  return static_cast<std::uint32_t>(khz);
}

Result<void> Vcpu::set_tsc_khz(std::uint32_t khz) const {
  if (::ioctl(fd_.get(), KVM_SET_TSC_KHZ, khz) == 0) return {};
  return fail(ErrorKind::unsupported, "this host cannot give the guest a TSC of ", khz, " kHz");
}

Result<void> Vcpu::mark_stopped() const {
  if (::ioctl(fd_.get(), KVM_KVMCLOCK_CTRL, 0) != 0 && errno != EINVAL) {
    return fail_errno("telling the guest's clock that it was stopped");
  }
  return {};
}

}  // namespace proa::kvm
