#include "oci/runtime/seccomp.h"

#include <algorithm>
#include <array>
#include <utility>

#include "oci/runtime/fields.h"

namespace proa::oci::runtime {
namespace {

template <typename Enumerator>
using Word = std::pair<std::string_view, Enumerator>;

// Where two words mean the same, name() gives the first.
constexpr std::array kActions = {
    Word<SeccompAction>{"SCMP_ACT_KILL_PROCESS", SeccompAction::kill_process},
    Word<SeccompAction>{"SCMP_ACT_KILL_THREAD", SeccompAction::kill_thread},
    Word<SeccompAction>{"SCMP_ACT_KILL", SeccompAction::kill_thread},
    Word<SeccompAction>{"SCMP_ACT_TRAP", SeccompAction::trap},
    Word<SeccompAction>{"SCMP_ACT_ERRNO", SeccompAction::error},
    Word<SeccompAction>{"SCMP_ACT_TRACE", SeccompAction::trace},
    Word<SeccompAction>{"SCMP_ACT_ALLOW", SeccompAction::allow},
    Word<SeccompAction>{"SCMP_ACT_LOG", SeccompAction::log},
    Word<SeccompAction>{"SCMP_ACT_NOTIFY", SeccompAction::notify},
};

constexpr std::array kFlags = {
    Word<SeccompFlag>{"SECCOMP_FILTER_FLAG_TSYNC", SeccompFlag::tsync},
    Word<SeccompFlag>{"SECCOMP_FILTER_FLAG_LOG", SeccompFlag::log},
    Word<SeccompFlag>{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SeccompFlag::spec_allow},
    Word<SeccompFlag>{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SeccompFlag::wait_killable_recv},
};

constexpr std::array kOperators = {
    Word<SeccompOperator>{"SCMP_CMP_NE", SeccompOperator::not_equal},
    Word<SeccompOperator>{"SCMP_CMP_LT", SeccompOperator::less},
    Word<SeccompOperator>{"SCMP_CMP_LE", SeccompOperator::less_or_equal},
    Word<SeccompOperator>{"SCMP_CMP_EQ", SeccompOperator::equal},
    Word<SeccompOperator>{"SCMP_CMP_GE", SeccompOperator::greater_or_equal},
    Word<SeccompOperator>{"SCMP_CMP_GT", SeccompOperator::greater},
    Word<SeccompOperator>{"SCMP_CMP_MASKED_EQ", SeccompOperator::masked_equal},
};

constexpr std::string_view kArchitecturePrefix = "SCMP_ARCH_";
constexpr std::array<std::string_view, 23> kArchitectures = {
    "X86",    "X86_64",    "X32",    "ARM",      "AARCH64", "LOONGARCH64", "M68K",    "MIPS",
    "MIPS64", "MIPS64N32", "MIPSEL", "MIPSEL64", "PPC",     "PPC64",       "PPC64LE", "MIPSEL64N32",
    "S390",   "S390X",     "SH",     "SHEB",     "PARISC",  "PARISC64",    "RISCV64"};

template <typename Words, typename Enumerator>
std::string_view word_of(const Words& words, Enumerator enumerator) {
  return std::ranges::find(words, enumerator, [](const auto& word) { return word.second; })->first;
}

template <typename Enumerator, typename Words>
Result<Enumerator> parse_word(const json::Reader& reader, const Words& words,
                              std::string_view what) {
  const std::string text = TRY(reader.string());
  for (const auto& [word, enumerator] : words) {
    if (word == text) return enumerator;
  }
  return reader.fault("unknown ", what, " '", printable(text), "'");
}

Result<SeccompFlag> parse_flag(const json::Reader& reader) {
  return parse_word<SeccompFlag>(reader, kFlags, "seccomp flag");
}

Result<std::string> parse_architecture(const json::Reader& reader) {
  std::string text = TRY(reader.string());
  if (is_seccomp_architecture(text)) return text;
  return reader.fault("unknown seccomp architecture '", printable(text), "'");
}

Result<SeccompRule> parse_rule(const json::Reader& reader) {
  TRY(check_object(reader));
  SeccompRule rule;
  const json::Reader names = TRY(reader.at("names"));
  rule.names = TRY(names.strings());
  if (rule.names.empty()) return names.fault("is empty");
  const json::Reader action = TRY(reader.at("action"));
  rule.action = TRY(parse_seccomp_action(action));
  TRY(take(reader, "errnoRet", rule.errno_return));
  TRY(take_list(reader, "args", rule.arguments, parse_seccomp_argument));
  return rule;
}

json::Value to_json(const SeccompArgument& argument) {
  json::Value value = json::Value::object();
  value.set("index", argument.index);
  value.set("value", argument.value);
  if (argument.value_two != 0) value.set("valueTwo", argument.value_two);
  value.set("op", name(argument.comparison));
  return value;
}

json::Value to_json(const SeccompRule& rule) {
  json::Value value = json::Value::object();
  value.set("names", rule.names);
  value.set("action", name(rule.action));
  if (rule.errno_return) value.set("errnoRet", *rule.errno_return);
  json::Value arguments = json::Value::array();
  for (const SeccompArgument& argument : rule.arguments) arguments.push(to_json(argument));
  if (!rule.arguments.empty()) value.set("args", std::move(arguments));
  return value;
}

}  // namespace

std::string_view name(SeccompAction action) { return word_of(kActions, action); }
std::string_view name(SeccompFlag flag) { return word_of(kFlags, flag); }
std::string_view name(SeccompOperator comparison) { return word_of(kOperators, comparison); }

bool is_seccomp_architecture(std::string_view name) {
  return name.starts_with(kArchitecturePrefix) &&
         std::ranges::find(kArchitectures, name.substr(kArchitecturePrefix.size())) !=
             kArchitectures.end();
}

Result<SeccompAction> parse_seccomp_action(const json::Reader& reader) {
  return parse_word<SeccompAction>(reader, kActions, "seccomp action");
}

Result<SeccompArgument> parse_seccomp_argument(const json::Reader& reader) {
  TRY(check_object(reader));
  SeccompArgument argument;
  const json::Reader index = TRY(reader.at("index"));
  argument.index = TRY(index.integer<std::uint32_t>());
  if (argument.index > 5) return index.fault("system calls have arguments 0 to 5");
  TRY(take_required(reader, "value", argument.value));
  TRY(take(reader, "valueTwo", argument.value_two));
  const json::Reader comparison = TRY(reader.at("op"));
  argument.comparison =
      TRY(parse_word<SeccompOperator>(comparison, kOperators, "seccomp operator"));
  return argument;
}

Result<Seccomp> parse_seccomp(const json::Reader& reader) {
  TRY(check_object(reader));
  Seccomp seccomp;
  const json::Reader default_action = TRY(reader.at("defaultAction"));
  seccomp.default_action = TRY(parse_seccomp_action(default_action));
  TRY(take(reader, "defaultErrnoRet", seccomp.default_errno_return));
  TRY(take_list(reader, "architectures", seccomp.architectures, parse_architecture));
  TRY(take_list(reader, "flags", seccomp.flags, parse_flag));
  TRY(take(reader, "listenerPath", seccomp.listener_path));
  TRY(take(reader, "listenerMetadata", seccomp.listener_metadata));
  TRY(take_list(reader, "syscalls", seccomp.rules, parse_rule));
  return seccomp;
}

json::Value to_json(const Seccomp& seccomp) {
  json::Value value = json::Value::object();
  value.set("defaultAction", name(seccomp.default_action));
  if (seccomp.default_errno_return) value.set("defaultErrnoRet", *seccomp.default_errno_return);
  if (!seccomp.architectures.empty()) value.set("architectures", seccomp.architectures);
  json::Value flags = json::Value::array();
  for (const SeccompFlag flag : seccomp.flags) flags.push(name(flag));
  if (!seccomp.flags.empty()) value.set("flags", std::move(flags));
  if (!seccomp.listener_path.empty()) value.set("listenerPath", seccomp.listener_path);
  if (!seccomp.listener_metadata.empty()) value.set("listenerMetadata", seccomp.listener_metadata);
  json::Value rules = json::Value::array();
  for (const SeccompRule& rule : seccomp.rules) rules.push(to_json(rule));
  if (!seccomp.rules.empty()) value.set("syscalls", std::move(rules));
  return value;
}

}  // namespace proa::oci::runtime
