#include "vmm/vcpu/vcpu_state.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace proa::vmm {
namespace {

constexpr std::uint16_t kStateVersion = 1;
constexpr std::uint32_t kMaxMsrs = 4096;
constexpr std::uint32_t kTscDeadline = 0x6e0;

template <typename Value>
Result<Value> read_value(StateReader& reader) {
  const std::string_view bytes = TRY(reader.bytes(sizeof(Value)));
  if (bytes.size() != sizeof(Value)) return reader.fault("a field has the wrong length");
  return copy_from<Value>(bytes_of(bytes));
}

void write_msrs(const std::vector<kvm_msr_entry>& msrs, StateWriter& writer) {
  writer.number(static_cast<std::uint32_t>(msrs.size()));
  for (const kvm_msr_entry& msr : msrs) {
    writer.number(std::uint32_t{msr.index});
    writer.number(std::uint64_t{msr.data});
  }
}

Result<std::vector<kvm_msr_entry>> read_msrs(StateReader& reader) {
  const auto count = TRY(reader.number<std::uint32_t>());
  if (count > kMaxMsrs) return reader.fault(count, " MSRs");
  std::vector<kvm_msr_entry> msrs(count);
  for (kvm_msr_entry& msr : msrs) {
    msr.index = TRY(reader.number<std::uint32_t>());
    msr.data = TRY(reader.number<std::uint64_t>());
  }
  return msrs;
}

// The deadline timer starts counting when it is written, and only takes where the TSC is set
// already: it goes last, and by itself.
Result<void> restore_msrs(const kvm::Vcpu& vcpu, std::vector<kvm_msr_entry> msrs) {
  const auto is_deadline = [](const kvm_msr_entry& msr) { return msr.index == kTscDeadline; };
  const auto deadline = std::ranges::find_if(msrs, is_deadline);
  std::optional<kvm_msr_entry> last;
  if (deadline != msrs.end()) {
    last = *deadline;
    msrs.erase(deadline);
  }
  TRY(vcpu.set_msrs(msrs));
  if (last.has_value()) TRY(vcpu.set_msrs(std::span(&*last, 1)));
  return {};
}

}  // namespace

Result<void> save_vcpu(const kvm::Vcpu& vcpu, std::span<const std::uint32_t> indexes,
                       StateWriter& writer) {
  writer.section("vcpu", kStateVersion);
  // First: asking for it makes KVM take in pending INIT and SIPI.
  writer.bytes(bytes_of(TRY(vcpu.mp_state())));
  writer.number(TRY(vcpu.tsc_khz()));
  writer.bytes(bytes_of(TRY(vcpu.regs())));
  writer.bytes(bytes_of(TRY(vcpu.sregs2())));
  writer.bytes(bytes_of(TRY(vcpu.xcrs())));
  writer.bytes(bytes_of(TRY(vcpu.xsave())));
  writer.bytes(bytes_of(TRY(vcpu.debugregs())));
  writer.bytes(bytes_of(TRY(vcpu.lapic())));
  writer.bytes(bytes_of(TRY(vcpu.events())));
  write_msrs(TRY(vcpu.msrs(indexes)), writer);
  return {};
}

Result<void> restore_vcpu(const kvm::Vcpu& vcpu, StateReader& reader) {
  TRY(reader.section("vcpu", kStateVersion));
  const auto mp_state = TRY(read_value<kvm_mp_state>(reader));
  const auto khz = TRY(reader.number<std::uint32_t>());
  const auto regs = TRY(read_value<kvm_regs>(reader));
  const auto sregs = TRY(read_value<kvm_sregs2>(reader));
  const auto xcrs = TRY(read_value<kvm_xcrs>(reader));
  const auto xsave = TRY(read_value<kvm::ExtendedState>(reader));
  const auto debugregs = TRY(read_value<kvm_debugregs>(reader));
  const auto lapic = TRY(read_value<kvm_lapic_state>(reader));
  const auto events = TRY(read_value<kvm_vcpu_events>(reader));
  const auto msrs = TRY(read_msrs(reader));

  // A host without TSC scaling refuses even its own rate: ask only where it differs.
  const auto own_khz = TRY(vcpu.tsc_khz());
  if (khz != own_khz) TRY(vcpu.set_tsc_khz(khz));
  TRY(vcpu.set_xcrs(xcrs));
  TRY(vcpu.set_xsave(xsave));
  TRY(vcpu.set_sregs2(sregs));
  TRY(vcpu.set_regs(regs));
  TRY(vcpu.set_lapic(lapic));
  TRY(restore_msrs(vcpu, msrs));
  TRY(vcpu.set_debugregs(debugregs));
  TRY(vcpu.set_events(events));
  TRY(vcpu.set_mp_state(mp_state));
  return vcpu.mark_stopped();
}

}  // namespace proa::vmm
