#include "vmm/arch/x86_64/cpuid.h"

#include <algorithm>
#include <bit>

namespace proa::vmm::x86_64 {
namespace {

constexpr std::uint32_t kLeafFeatures = 1;
constexpr std::uint32_t kLeafCache = 4;
constexpr std::uint32_t kLeafStructured = 7;
constexpr std::uint32_t kLeafPerformance = 0xa;
constexpr std::uint32_t kLeafTopology = 0xb;
constexpr std::uint32_t kLeafExtendedState = 0xd;
constexpr std::uint32_t kLeafTopology2 = 0x1f;
constexpr std::uint32_t kLeafSizes = 0x8000'0008;
constexpr std::uint32_t kLeafSvm = 0x8000'000a;
constexpr std::uint32_t kLeafAmdCache = 0x8000'001d;
constexpr std::uint32_t kLeafAmdTopology = 0x8000'001e;
constexpr std::uint32_t kLeafExtendedFeatures = 0x8000'0001;

constexpr std::uint32_t kHypervisor = 1U << 31;    // leaf 1 ECX
constexpr std::uint32_t kVmx = 1U << 5;            // leaf 1 ECX
constexpr std::uint32_t kTscDeadline = 1U << 24;   // leaf 1 ECX
constexpr std::uint32_t kHyperThreads = 1U << 28;  // leaf 1 EDX
constexpr std::uint32_t kSvm = 1U << 2;            // leaf 0x80000001 ECX
// AMX: its tile state does not fit what a snapshot saves, and XCR0 must not offer it.
constexpr std::uint32_t kAmxFeatures = 1U << 22 | 1U << 24 | 1U << 25;  // leaf 7 EDX
constexpr std::uint32_t kAmxState = 1U << 17 | 1U << 18;                // leaf 0xd EAX

std::uint32_t bits_for(unsigned count) {
  return static_cast<std::uint32_t>(std::bit_width(count - 1));
}

// Level 0 is the thread, level 1 the core, level 2 the end.
void fill_topology(kvm_cpuid_entry2& entry, unsigned index, unsigned count) {
  constexpr std::uint32_t kThreads = 1U << 8;
  constexpr std::uint32_t kCores = 2U << 8;
  entry.edx = index;
  entry.eax = entry.index == 1 ? bits_for(count) : 0;
  entry.ebx = entry.index == 0 ? 1 : entry.index == 1 ? count : 0;
  entry.ecx = entry.index;
  if (entry.index == 0) entry.ecx |= kThreads;
  if (entry.index == 1) entry.ecx |= kCores;
}

void fill_features(kvm_cpuid_entry2& entry, unsigned index, unsigned count) {
  constexpr std::uint32_t kKeep = 0x0000'ffff;  // brand and cache line size
  entry.ebx = (entry.ebx & kKeep) | count << 16 | index << 24;
  entry.ecx = (entry.ecx | kHypervisor | kTscDeadline) & ~kVmx;
  entry.edx = count > 1 ? entry.edx | kHyperThreads : entry.edx & ~kHyperThreads;
}

void fill(kvm_cpuid_entry2& entry, unsigned index, unsigned count) {
  switch (entry.function) {
    case kLeafFeatures:
      fill_features(entry, index, count);
      break;
    case kLeafStructured:
      if (entry.index == 0) entry.edx &= ~kAmxFeatures;
      break;
    case kLeafExtendedState:
      if (entry.index == 0) entry.eax &= ~kAmxState;
      break;
    case kLeafCache:
      // Cores a package, and that no cache is shared.
      entry.eax = (entry.eax & 0x3fff) | (count - 1) << 26;
      break;
    case kLeafPerformance:
      // No performance counters: they are not saved, and tell of neighbours.
      entry.eax = entry.ebx = entry.ecx = entry.edx = 0;
      break;
    case kLeafTopology:
    case kLeafTopology2:
      fill_topology(entry, index, count);
      break;
    case kLeafExtendedFeatures:
      entry.ecx &= ~kSvm;
      break;
    case kLeafSizes:
      entry.ecx = bits_for(count) << 12 | (count - 1);
      break;
    case kLeafAmdCache:
      entry.eax &= 0x3fff;
      break;
    case kLeafAmdTopology:
      entry.eax = index;
      entry.ebx = index;
      entry.ecx = 0;
      break;
    default:
      break;
  }
}

}  // namespace

std::vector<kvm_cpuid_entry2> plan_cpuid(std::vector<kvm_cpuid_entry2> supported, unsigned index,
                                         unsigned count) {
  // KVM lists the topology leaf once or not at all; a guest wants all its levels.
  const bool has_topology =
      std::ranges::any_of(supported, [](const auto& entry) { return entry.function == 0xb; });
  std::erase_if(supported, [](const kvm_cpuid_entry2& entry) {
    return entry.function == kLeafTopology || entry.function == kLeafTopology2 ||
           entry.function == kLeafSvm;
  });
  if (has_topology) {
    for (std::uint32_t level = 0; level < 3; ++level) {
      kvm_cpuid_entry2 entry = {};
      entry.function = kLeafTopology;
      entry.index = level;
      entry.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
      supported.push_back(entry);
    }
  }
  for (kvm_cpuid_entry2& entry : supported) fill(entry, index, count);
  return supported;
}

}  // namespace proa::vmm::x86_64
