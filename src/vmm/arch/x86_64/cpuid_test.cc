#include "vmm/arch/x86_64/cpuid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace proa::vmm::x86_64 {
namespace {

kvm_cpuid_entry2 leaf(std::uint32_t function, std::uint32_t index = 0) {
  kvm_cpuid_entry2 entry = {};
  entry.function = function;
  entry.index = index;
  return entry;
}

const kvm_cpuid_entry2& find(const std::vector<kvm_cpuid_entry2>& plan, std::uint32_t function,
                             std::uint32_t index = 0) {
  const auto found = std::ranges::find_if(plan, [&](const kvm_cpuid_entry2& entry) {
    return entry.function == function && entry.index == index;
  });
  EXPECT_NE(found, plan.end()) << function;
  return *found;
}

TEST(PlanCpuid, sixty_four_vcpus_have_ids_of_their_own_and_one_topology) {
  std::set<std::uint32_t> ids;
  for (unsigned index = 0; index < 64; ++index) {
    const auto plan = plan_cpuid({leaf(1), leaf(4), leaf(0xb), leaf(0x8000'0008)}, index, 64);
    EXPECT_EQ(find(plan, 1).ebx >> 24, index);
    EXPECT_EQ((find(plan, 1).ebx >> 16) & 0xff, 64U);
    EXPECT_EQ(find(plan, 4).eax >> 26, 63U);
    EXPECT_EQ(find(plan, 0xb, 1).eax, 6U) << "bits of an APIC id that name the core";
    EXPECT_EQ(find(plan, 0xb, 1).ebx, 64U);
    EXPECT_EQ(find(plan, 0x8000'0008).ecx & 0xff, 63U);
    ids.insert(find(plan, 0xb, 0).edx);
  }
  EXPECT_EQ(ids.size(), 64U);
}

TEST(PlanCpuid, a_guest_learns_of_the_hypervisor_and_gets_no_nested_virtualisation) {
  kvm_cpuid_entry2 features = leaf(1);
  features.ecx = 1U << 5;
  kvm_cpuid_entry2 extended = leaf(0x8000'0001);
  extended.ecx = 1U << 2;
  const auto plan = plan_cpuid({features, extended, leaf(0x8000'000a)}, 0, 1);
  EXPECT_NE(find(plan, 1).ecx & 1U << 31, 0U);
  EXPECT_EQ(find(plan, 1).ecx & 1U << 5, 0U);
  EXPECT_EQ(find(plan, 0x8000'0001).ecx & 1U << 2, 0U);
  EXPECT_TRUE(std::ranges::none_of(
      plan, [](const kvm_cpuid_entry2& entry) { return entry.function == 0x8000'000a; }));
}

}  // namespace
}  // namespace proa::vmm::x86_64
