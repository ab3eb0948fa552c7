#include "container/seccomp/compile.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/text.h"
#include "kernel/file/file.h"
#include "kernel/seccomp/seccomp.h"

namespace proa::container::seccomp {
namespace {

using oci::runtime::Seccomp;
using oci::runtime::SeccompAction;
using oci::runtime::SeccompArgument;
using oci::runtime::SeccompFlag;
using oci::runtime::SeccompOperator;
using oci::runtime::SeccompRule;

using Context = std::unique_ptr<void, decltype([](void* context) { ::seccomp_release(context); })>;

// libseccomp's word for an action; the number is an errno or, for trace, a message.
std::uint32_t action_of(SeccompAction action, std::optional<std::uint32_t> number) {
  const std::uint32_t data = number.value_or(EPERM) & SECCOMP_RET_DATA;
  switch (action) {
    case SeccompAction::kill_process:
      return SCMP_ACT_KILL_PROCESS;
    case SeccompAction::kill_thread:
      return SCMP_ACT_KILL_THREAD;
    case SeccompAction::trap:
      return SCMP_ACT_TRAP;
    case SeccompAction::error:
      return SCMP_ACT_ERRNO(data);
    case SeccompAction::trace:
      return SCMP_ACT_TRACE(data);
    case SeccompAction::allow:
      return SCMP_ACT_ALLOW;
    case SeccompAction::log:
      return SCMP_ACT_LOG;
    case SeccompAction::notify:
      return SCMP_ACT_NOTIFY;
  }
  CHECK(false);
}

scmp_compare operator_of(SeccompOperator comparison) {
  switch (comparison) {
    case SeccompOperator::not_equal:
      return SCMP_CMP_NE;
    case SeccompOperator::less:
      return SCMP_CMP_LT;
    case SeccompOperator::less_or_equal:
      return SCMP_CMP_LE;
    case SeccompOperator::equal:
      return SCMP_CMP_EQ;
    case SeccompOperator::greater_or_equal:
      return SCMP_CMP_GE;
    case SeccompOperator::greater:
      return SCMP_CMP_GT;
    case SeccompOperator::masked_equal:
      return SCMP_CMP_MASKED_EQ;
  }
  CHECK(false);
}

Result<void> refuse_notify(const Seccomp& profile) {
  const bool asked = profile.default_action == SeccompAction::notify ||
                     !profile.listener_path.empty() ||
                     std::ranges::find(profile.rules, SeccompAction::notify,
                                       &SeccompRule::action) != profile.rules.end();
  if (!asked) return {};
  return fail(ErrorKind::unsupported,
              "seccomp: SCMP_ACT_NOTIFY and listenerPath (a supervisor) are not supported");
}

// "SCMP_ARCH_X86_64" is "x86_64" to libseccomp.
Result<void> add_architectures(scmp_filter_ctx context, const Seccomp& profile) {
  constexpr std::string_view kPrefix = "SCMP_ARCH_";
  for (const std::string& architecture : profile.architectures) {
    const std::string name = to_lower(std::string_view(architecture).substr(kPrefix.size()));
    const std::uint32_t token = ::seccomp_arch_resolve_name(name.c_str());
    if (token == 0) {
      return fail(ErrorKind::unsupported, "seccomp: libseccomp ", compiler_version(),
                  " does not know ", architecture);
    }
    const int added = ::seccomp_arch_add(context, token);
    if (added != 0 && added != -EEXIST) {
      return fail_with(-added, "seccomp: adding ", architecture);
    }
  }
  return {};
}

scmp_arg_cmp comparison_of(const SeccompArgument& argument) {
  return {.arg = argument.index,
          .op = operator_of(argument.comparison),
          .datum_a = argument.value,
          .datum_b = argument.value_two};
}

bool names_an_argument_twice(const std::vector<SeccompArgument>& arguments) {
  std::array<int, 6> count = {};
  return std::ranges::any_of(
      arguments, [&](const SeccompArgument& argument) { return ++count[argument.index] > 1; });
}

Result<void> add_rule(scmp_filter_ctx context, const SeccompRule& rule, const std::string& name,
                      std::uint32_t action) {
  const int number = ::seccomp_syscall_resolve_name(name.c_str());
  if (number == __NR_SCMP_ERROR) return {};
  std::vector<scmp_arg_cmp> conditions;
  for (const SeccompArgument& argument : rule.arguments) {
    conditions.push_back(comparison_of(argument));
  }
  int added = 0;
  if (names_an_argument_twice(rule.arguments)) {
    for (const scmp_arg_cmp& condition : conditions) {
      added = ::seccomp_rule_add_array(context, action, number, 1, &condition);
      if (added != 0) break;
    }
  } else {
    added = ::seccomp_rule_add_array(context, action, number,
                                     static_cast<unsigned>(conditions.size()), conditions.data());
  }
  if (added != 0) return fail_with(-added, "seccomp: a rule for '", printable(name, 64), "'");
  return {};
}

Result<void> add_rules(scmp_filter_ctx context, const Seccomp& profile,
                       std::uint32_t default_action) {
  for (const SeccompRule& rule : profile.rules) {
    const std::uint32_t action = action_of(rule.action, rule.errno_return);
    // libseccomp refuses a rule that says what holds anyway.
    if (action == default_action) continue;
    for (const std::string& name : rule.names) TRY(add_rule(context, rule, name, action));
  }
  return {};
}

Result<std::vector<sock_filter>> generate(scmp_filter_ctx context) {
  const Fd memory(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!memory.valid()) return fail_errno("memfd_create");
  const int exported = ::seccomp_export_bpf(context, memory.get());
  if (exported != 0) return fail_with(-exported, "seccomp: generating the filter");
  const struct stat status = TRY(file::stat(memory));
  std::vector<sock_filter> program(static_cast<std::size_t>(status.st_size) / sizeof(sock_filter));
  TRY(file::read_exact_at(memory, std::as_writable_bytes(std::span(program)), 0));
  return program;
}

}  // namespace

Result<std::uint32_t> load_flags(const Seccomp& profile) {
  std::uint32_t flags = 0;
  for (const SeccompFlag flag : profile.flags) {
    std::uint32_t bit = 0;
    switch (flag) {
      case SeccompFlag::tsync:
        bit = SECCOMP_FILTER_FLAG_TSYNC;
        break;
      case SeccompFlag::log:
        bit = SECCOMP_FILTER_FLAG_LOG;
        break;
      case SeccompFlag::spec_allow:
        bit = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
        break;
      case SeccompFlag::wait_killable_recv:
        // Says something of listeners only, and is refused by the kernel without one.
        continue;
    }
    if (!proa::seccomp::knows_flags(bit)) {
      return fail(ErrorKind::unsupported, "seccomp: this kernel does not know ", name(flag));
    }
    flags |= bit;
  }
  return flags;
}

Result<Filter> compile(const Seccomp& profile) {
  TRY(refuse_notify(profile));
  Filter filter;
  filter.flags = TRY(load_flags(profile));
  const std::uint32_t default_action =
      action_of(profile.default_action, profile.default_errno_return);
  const Context context(::seccomp_init(default_action));
  if (!context) {
    return fail(ErrorKind::unsupported, "seccomp: this kernel does not know ",
                name(profile.default_action));
  }
  const int tuned = ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (tuned != 0) return fail_with(-tuned, "seccomp: asking for a binary tree");
  TRY(add_architectures(context.get(), profile));
  TRY(add_rules(context.get(), profile, default_action));
  filter.program = TRY(generate(context.get()));
  return filter;
}

std::string compiler_version() {
  const scmp_version* version = ::seccomp_version();
  return cat(version->major, ".", version->minor, ".", version->micro);
}

}  // namespace proa::container::seccomp
