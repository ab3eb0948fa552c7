#include <cstddef>
#include <ranges>

#include "container/limits/devices.h"

namespace proa::container::limits {
namespace {

using oci::runtime::DeviceAccess;
using oci::runtime::DeviceRule;
using oci::runtime::DeviceType;

// What the registers hold all through the program.
constexpr std::uint8_t kVerdict = BPF_REG_0;
constexpr std::uint8_t kContext = BPF_REG_1;
constexpr std::uint8_t kAccess = BPF_REG_2;  // what is asked for and not yet allowed
constexpr std::uint8_t kType = BPF_REG_3;
constexpr std::uint8_t kMajor = BPF_REG_4;
constexpr std::uint8_t kMinor = BPF_REG_5;

constexpr std::int16_t kAccessTypeOffset = offsetof(bpf_cgroup_dev_ctx, access_type);
constexpr std::int16_t kMajorOffset = offsetof(bpf_cgroup_dev_ctx, major);
constexpr std::int16_t kMinorOffset = offsetof(bpf_cgroup_dev_ctx, minor);

bpf_insn instruction(int code, std::uint8_t destination, std::uint8_t source, std::int16_t offset,
                     std::int32_t immediate) {
  bpf_insn made = {};
  made.code = static_cast<std::uint8_t>(code);
  made.dst_reg = destination & 15U;
  made.src_reg = source & 15U;
  made.off = offset;
  made.imm = immediate;
  return made;
}

bpf_insn load_word(std::uint8_t to, std::int16_t offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, to, kContext, offset, 0);
}

bpf_insn copy(std::uint8_t to, std::uint8_t from) {
  return instruction(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0);
}

bpf_insn compute(int operation, std::uint8_t with, std::int32_t immediate) {
  return instruction(BPF_ALU | operation | BPF_K, with, 0, 0, immediate);
}

// Jumps compare 32 bits: a 64-bit comparison would extend the immediate's sign.
bpf_insn jump(int condition, std::uint8_t with, std::uint32_t immediate, std::int16_t over) {
  return instruction(BPF_JMP32 | condition | BPF_K, with, 0, over,
                     static_cast<std::int32_t>(immediate));
}

void append_verdict(std::vector<bpf_insn>& program, bool allow) {
  program.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, kVerdict, 0, 0, allow ? 1 : 0));
  program.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

std::int32_t bits_of(const DeviceAccess& access) {
  return (access.mknod ? BPF_DEVCG_ACC_MKNOD : 0) | (access.read ? BPF_DEVCG_ACC_READ : 0) |
         (access.write ? BPF_DEVCG_ACC_WRITE : 0);
}

// What a rule does once its device has matched. An allowing rule takes its letters off what is
// asked for and ends when nothing is left; a denying rule ends when one of its letters is.
std::vector<bpf_insn> decision(const DeviceRule& rule) {
  std::vector<bpf_insn> program;
  if (rule.allow) {
    program.push_back(compute(BPF_AND, kAccess, ~bits_of(rule.access)));
    program.push_back(jump(BPF_JNE, kAccess, 0, 2));
  } else {
    program.push_back(copy(kVerdict, kAccess));
    program.push_back(compute(BPF_AND, kVerdict, bits_of(rule.access)));
    program.push_back(jump(BPF_JEQ, kVerdict, 0, 2));
  }
  append_verdict(program, rule.allow);
  return program;
}

void append_rule(std::vector<bpf_insn>& program, const DeviceRule& rule) {
  struct Condition {
    std::uint8_t with;
    std::uint32_t value;
  };
  std::vector<Condition> conditions;
  if (rule.type != DeviceType::all) {
    const bool block = rule.type == DeviceType::block;
    conditions.push_back({kType, block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR});
  }
  if (rule.major) conditions.push_back({kMajor, *rule.major});
  if (rule.minor) conditions.push_back({kMinor, *rule.minor});
  const std::vector<bpf_insn> decided = decision(rule);
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const std::size_t over = conditions.size() - i - 1 + decided.size();
    program.push_back(
        jump(BPF_JNE, conditions[i].with, conditions[i].value, static_cast<std::int16_t>(over)));
  }
  program.insert(program.end(), decided.begin(), decided.end());
}

bool decides_everything(const DeviceRule& rule) {
  return rule.type == DeviceType::all && !rule.major && !rule.minor &&
         rule.access == DeviceAccess{.read = true, .write = true, .mknod = true};
}

}  // namespace

std::vector<bpf_insn> device_program(const std::vector<DeviceRule>& rules) {
  std::vector<bpf_insn> program = {
      load_word(kAccess, kAccessTypeOffset), copy(kType, kAccess),
      compute(BPF_AND, kType, 0xffff),       compute(BPF_RSH, kAccess, 16),
      load_word(kMajor, kMajorOffset),       load_word(kMinor, kMinorOffset),
  };
  for (const DeviceRule& rule : std::views::reverse(rules)) {
    if (decides_everything(rule)) {
      append_verdict(program, rule.allow);
      return program;
    }
    if (bits_of(rule.access) != 0) append_rule(program, rule);
  }
  append_verdict(program, false);
  return program;
}

}  // namespace proa::container::limits
