// One virtual processor: running it, why it came back, and its registers.
#pragma once

#include <linux/kvm.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

namespace proa::kvm {

// Why KVM_RUN came back. Spans lie in the vCPU's shared page and live until the next run.

// `count` accesses of `size` bytes each to one port; the guest gets or gave `data`.
struct PortIn {
  std::uint16_t port;
  std::size_t size;
  MutableByteSpan data;
};
struct PortOut {
  std::uint16_t port;
  std::size_t size;
  ByteSpan data;
};
struct MmioRead {
  std::uint64_t address;
  MutableByteSpan data;
};
struct MmioWrite {
  std::uint64_t address;
  ByteSpan data;
};
// A level-triggered interrupt of the outside IOAPIC was acknowledged.
struct IoapicEoi {
  std::uint8_t vector;
};
// A signal, or stop_soon(): the instruction that was pending is complete.
struct Interrupted {};
// Triple fault.
struct Shutdown {};
// KVM cannot go on: what it says of it.
struct Failed {
  std::string reason;
};
using Exit =
    std::variant<PortIn, PortOut, MmioRead, MmioWrite, IoapicEoi, Interrupted, Shutdown, Failed>;

// Extended processor state in XSAVE's layout. What does not fit (AMX) no guest gets.
using ExtendedState = std::array<std::byte, 4096>;

// Spec:   Documentation/virt/kvm/api.rst, section 4 "vcpu ioctl" and section 5
// Thread: all but stop_soon by the one thread that runs it, or while it does not run.
class Vcpu {
 public:
  // Takes over a vCPU's descriptor and maps its shared page.
  static Result<Vcpu> open(Fd fd, std::size_t run_size);
  Vcpu(Vcpu&& other) noexcept;
  Vcpu& operator=(Vcpu&&) = delete;
  Vcpu(const Vcpu&) = delete;
  ~Vcpu();

  // Runs the guest until something is asked of us.
  Exit run();
  // Makes the next or current run come back as Interrupted; with a signal to the thread, at once.
  // Thread: any.
  void stop_soon();
  // Takes stop_soon back.
  void run_on();

  Result<void> set_cpuid(std::span<const kvm_cpuid_entry2> entries) const;
  Result<kvm_regs> regs() const;
  Result<void> set_regs(const kvm_regs& regs) const;
  Result<kvm_sregs> sregs() const;
  Result<void> set_sregs(const kvm_sregs& sregs) const;
  // As sregs, but with the PAE page directory pointers and without pending interrupts.
  Result<kvm_sregs2> sregs2() const;
  Result<void> set_sregs2(const kvm_sregs2& sregs) const;
  Result<kvm_xcrs> xcrs() const;
  Result<void> set_xcrs(const kvm_xcrs& xcrs) const;
  Result<ExtendedState> xsave() const;
  Result<void> set_xsave(const ExtendedState& xsave) const;
  Result<kvm_debugregs> debugregs() const;
  Result<void> set_debugregs(const kvm_debugregs& debugregs) const;
  Result<kvm_lapic_state> lapic() const;
  Result<void> set_lapic(const kvm_lapic_state& lapic) const;
  Result<kvm_vcpu_events> events() const;
  Result<void> set_events(const kvm_vcpu_events& events) const;
  Result<kvm_mp_state> mp_state() const;
  Result<void> set_mp_state(const kvm_mp_state& state) const;
  // Reads those of `indexes` that can be read, all in few calls.
  Result<std::vector<kvm_msr_entry>> msrs(std::span<const std::uint32_t> indexes) const;
  // Errors: unsupported (names the first MSR that KVM refuses)
  Result<void> set_msrs(std::span<const kvm_msr_entry> msrs) const;
  Result<std::uint32_t> tsc_khz() const;
  // Errors: unsupported (the host cannot scale to that frequency)
  Result<void> set_tsc_khz(std::uint32_t khz) const;
  // Tells the guest's kvmclock that it was stopped, lest its watchdogs bark. A guest that has no
  // kvmclock is no error.
  Result<void> mark_stopped() const;

 private:
  Vcpu(Fd fd, kvm_run* run, std::size_t run_size)
      : fd_(std::move(fd)), run_(run), run_size_(run_size) {}
  Exit exit_reason();
  Exit port_exit();
  Exit mmio_exit();

  Fd fd_;
  kvm_run* run_;
  std::size_t run_size_;
};

}  // namespace proa::kvm
