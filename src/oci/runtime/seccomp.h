// `linux.seccomp` of the OCI runtime specification: which system calls a container may make.
// Types, parser and canonical text; kernel/seccomp compiles it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace proa::oci::runtime {

enum class SeccompAction : std::uint8_t {
  kill_process,
  kill_thread,
  trap,
  error,
  trace,
  allow,
  log,
  notify,
};

enum class SeccompFlag : std::uint8_t { tsync, log, spec_allow, wait_killable_recv };

enum class SeccompOperator : std::uint8_t {
  not_equal,
  less,
  less_or_equal,
  equal,
  greater_or_equal,
  greater,
  masked_equal,
};

// The specification's words: "SCMP_ACT_ERRNO", "SECCOMP_FILTER_FLAG_LOG", "SCMP_CMP_EQ".
std::string_view name(SeccompAction action);
std::string_view name(SeccompFlag flag);
std::string_view name(SeccompOperator comparison);
// The words after "SCMP_ARCH_" that the specification knows.
bool is_seccomp_architecture(std::string_view name);

// Holds where argument number `index` (0 to 5) compares to `value`; for masked_equal, where the
// argument's bits within `value` equal `value_two`.
struct SeccompArgument {
  std::uint32_t index = 0;
  SeccompOperator comparison = SeccompOperator::equal;
  std::uint64_t value = 0;
  std::uint64_t value_two = 0;
  bool operator==(const SeccompArgument&) const = default;
};

// One rule: `action` for each of `names` where all of `arguments` hold.
struct SeccompRule {
  std::vector<std::string> names;
  SeccompAction action = SeccompAction::allow;
  std::optional<std::uint32_t> errno_return;  // errno for error, message for trace; EPERM if absent
  std::vector<SeccompArgument> arguments;
  bool operator==(const SeccompRule&) const = default;
};

// Thread: a value.
struct Seccomp {
  SeccompAction default_action = SeccompAction::allow;
  std::optional<std::uint32_t> default_errno_return;
  std::vector<std::string> architectures;  // "SCMP_ARCH_X86_64"; empty: the machine's own
  std::vector<SeccompFlag> flags;
  std::string listener_path;
  std::string listener_metadata;
  std::vector<SeccompRule> rules;
  bool operator==(const Seccomp&) const = default;
};

// Reads `linux.seccomp`.
//
// Spec:   OCI runtime specification 1.3, config-linux.md, "Seccomp"
// Errors: invalid_argument (names the field)
Result<Seccomp> parse_seccomp(const json::Reader& reader);

// Readers of single values, shared with Docker's own format of profiles.
Result<SeccompAction> parse_seccomp_action(const json::Reader& reader);
Result<SeccompArgument> parse_seccomp_argument(const json::Reader& reader);

// The profile as the specification's JSON; equal profiles give equal text.
json::Value to_json(const Seccomp& seccomp);

}  // namespace proa::oci::runtime
