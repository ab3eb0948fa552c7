#include "container/limits/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/text.h"

namespace proa::container::limits {
namespace {

using oci::runtime::DeviceAccess;
using oci::runtime::DeviceRule;
using oci::runtime::DeviceType;
using ::testing::ElementsAre;

constexpr DeviceAccess kAll{.read = true, .write = true, .mknod = true};

DeviceRule rule(bool allow, DeviceType type, std::optional<std::uint32_t> major,
                std::optional<std::uint32_t> minor, DeviceAccess access = kAll) {
  return {.allow = allow, .type = type, .major = major, .minor = minor, .access = access};
}

// Runs the few instructions that device_program makes, as the kernel would.
int run(const std::vector<bpf_insn>& program, bpf_cgroup_dev_ctx context) {
  std::array<std::uint64_t, 11> r = {};
  const std::array<std::uint32_t, 3> words = {context.access_type, context.major, context.minor};
  for (std::size_t i = 0; i < program.size(); ++i) {
    const bpf_insn& at = program[i];
    const auto immediate = static_cast<std::uint32_t>(at.imm);
    const auto value = static_cast<std::uint32_t>(r[at.dst_reg]);
    switch (at.code) {
      case BPF_LDX | BPF_MEM | BPF_W:
        r[at.dst_reg] = words.at(static_cast<std::size_t>(at.off) / 4);
        break;
      case BPF_ALU | BPF_MOV | BPF_X:
        r[at.dst_reg] = static_cast<std::uint32_t>(r[at.src_reg]);
        break;
      case BPF_ALU64 | BPF_MOV | BPF_K:
        r[at.dst_reg] = immediate;
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        r[at.dst_reg] = value & immediate;
        break;
      case BPF_ALU | BPF_RSH | BPF_K:
        r[at.dst_reg] = value >> immediate;
        break;
      case BPF_JMP32 | BPF_JNE | BPF_K:
        if (value != immediate) i += static_cast<std::size_t>(at.off);
        break;
      case BPF_JMP32 | BPF_JEQ | BPF_K:
        if (value == immediate) i += static_cast<std::size_t>(at.off);
        break;
      case BPF_JMP | BPF_EXIT:
        return static_cast<int>(r[0]);
      default:
        ADD_FAILURE() << "an instruction that the generator does not use: " << int{at.code};
        return -1;
    }
  }
  ADD_FAILURE() << "the program has no end";
  return -1;
}

bool allows(const std::vector<DeviceRule>& rules, DeviceType type, std::uint32_t major,
            std::uint32_t minor, DeviceAccess access) {
  const std::uint32_t kind = type == DeviceType::block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
  const std::uint32_t bits =
      (access.mknod ? 1U : 0U) | (access.read ? 2U : 0U) | (access.write ? 4U : 0U);
  return run(device_program(rules),
             {.access_type = bits << 16 | kind, .major = major, .minor = minor}) == 1;
}

constexpr DeviceAccess kRead{.read = true};
constexpr DeviceAccess kWrite{.write = true};
constexpr DeviceAccess kReadWrite{.read = true, .write = true};

TEST(DeviceProgram, last_rule_that_matches_decides) {
  using enum DeviceType;
  const std::vector<DeviceRule> rules = {rule(false, all, {}, {}), rule(true, character, 1, {}),
                                         rule(false, character, 1, 7)};
  EXPECT_TRUE(allows(rules, character, 1, 3, kAll));
  EXPECT_FALSE(allows(rules, character, 1, 7, kRead));
  EXPECT_FALSE(allows(rules, block, 1, 3, kRead));
  EXPECT_FALSE(allows(rules, character, 2, 3, kRead));
}

TEST(DeviceProgram, reading_and_writing_are_decided_apart) {
  using enum DeviceType;
  const std::vector<DeviceRule> split = {rule(true, character, 5, 0, kRead),
                                         rule(true, character, 5, {}, kWrite)};
  EXPECT_TRUE(allows(split, character, 5, 0, kReadWrite));
  EXPECT_TRUE(allows(split, character, 5, 1, kWrite));
  EXPECT_FALSE(allows(split, character, 5, 1, kReadWrite));
  const std::vector<DeviceRule> denied = {rule(true, all, {}, {}),
                                          rule(false, block, 8, 0, kWrite)};
  EXPECT_TRUE(allows(denied, block, 8, 0, kRead));
  EXPECT_FALSE(allows(denied, block, 8, 0, kReadWrite));
}

TEST(DeviceProgram, numbers_with_the_high_bit_compare_as_they_are) {
  const std::vector<DeviceRule> rules = {rule(true, DeviceType::block, 0x80000001, 0xffffffff)};
  EXPECT_TRUE(allows(rules, DeviceType::block, 0x80000001, 0xffffffff, kAll));
  EXPECT_FALSE(allows(rules, DeviceType::block, 1, 0xffffffff, kAll));
}

TEST(DeviceProgram, without_rules_everything_is_denied) {
  EXPECT_FALSE(allows({}, DeviceType::character, 1, 3, kRead));
}

TEST(DeviceRules, defaults_are_allowed_and_the_rest_denied) {
  const std::vector<DeviceRule> rules = effective_device_rules({});
  EXPECT_TRUE(allows(rules, DeviceType::character, 1, 3, kReadWrite));
  EXPECT_TRUE(allows(rules, DeviceType::character, 136, 7, kReadWrite));
  EXPECT_TRUE(allows(rules, DeviceType::block, 8, 0, {.mknod = true}));
  EXPECT_FALSE(allows(rules, DeviceType::block, 8, 0, kRead));
  EXPECT_FALSE(allows(rules, DeviceType::character, 10, 200, kRead));
}

TEST(DeviceRules, allowing_everything_stays_everything) {
  const std::vector<DeviceRule> rules = effective_device_rules(
      {rule(false, DeviceType::all, {}, {}), rule(true, DeviceType::all, {}, {})});
  ASSERT_EQ(rules.size(), 1U);
  EXPECT_TRUE(allows(rules, DeviceType::block, 8, 0, kAll));
}

TEST(DeviceRules, list_has_each_rule_once_and_denies_first) {
  const Writes writes = device_writes(effective_device_rules(
      {rule(false, DeviceType::all, {}, {}), rule(true, DeviceType::character, 1, 3),
       rule(true, DeviceType::all, 9, {}, kRead)}));
  ASSERT_GE(writes.size(), 4U);
  EXPECT_EQ(writes[0], (Write{"devices.deny", "a"}));
  EXPECT_EQ(writes[1], (Write{"devices.allow", "c 1:3 rwm"}));
  EXPECT_EQ(writes[2], (Write{"devices.allow", "b 9:* r"}));
  EXPECT_EQ(writes[3], (Write{"devices.allow", "c 9:* r"}));
  EXPECT_EQ(std::ranges::count(writes, (Write{"devices.allow", "c 1:3 rwm"})), 1);
}

}  // namespace
}  // namespace proa::container::limits
