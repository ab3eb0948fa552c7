#include "container/seccomp/docker_profile.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/number.h"
#include "base/text.h"
#include "oci/runtime/fields.h"

namespace proa::container::seccomp {
namespace {

using oci::runtime::check_object;
using oci::runtime::find_object;
using oci::runtime::Seccomp;
using oci::runtime::SeccompRule;
using oci::runtime::take;
using oci::runtime::take_list;

struct ArchitectureName {
  std::string_view go;
  std::string_view oci;
  std::string_view machine;  // as uname(2) says
};
constexpr std::array kArchitectureNames = {
    ArchitectureName{"amd64", "SCMP_ARCH_X86_64", "x86_64"},
    ArchitectureName{"arm64", "SCMP_ARCH_AARCH64", "aarch64"},
    ArchitectureName{"riscv64", "SCMP_ARCH_RISCV64", "riscv64"},
    ArchitectureName{"ppc64le", "SCMP_ARCH_PPC64LE", "ppc64le"},
    ArchitectureName{"s390x", "SCMP_ARCH_S390X", "s390x"},
    ArchitectureName{"loong64", "SCMP_ARCH_LOONGARCH64", "loongarch64"},
};

Result<Condition> parse_condition(const json::Reader& rule, std::string_view key) {
  Condition condition;
  const auto reader = TRY(find_object(rule, key));
  if (!reader) return condition;
  TRY(take(*reader, "caps", condition.capabilities));
  TRY(take(*reader, "arches", condition.architectures));
  if (const auto kernel = reader->find("minKernel")) {
    const std::string text = TRY(kernel->string());
    const Result<KernelVersion> version = parse_kernel_version(text);
    if (!version.ok()) return kernel->fault("'", printable(text), "' is no kernel version");
    condition.least_kernel = version.value();
  }
  return condition;
}

Result<DockerRule> parse_rule(const json::Reader& reader) {
  TRY(check_object(reader));
  DockerRule parsed;
  SeccompRule& rule = parsed.rule;
  TRY(take(reader, "names", rule.names));
  if (const auto name = reader.find("name")) {
    if (!rule.names.empty()) return reader.fault("'name' and 'names' exclude each other");
    std::string text = TRY(name->string());
    rule.names.push_back(std::move(text));
  }
  if (rule.names.empty()) return reader.fault("'names' is missing");
  const json::Reader action = TRY(reader.at("action"));
  rule.action = TRY(oci::runtime::parse_seccomp_action(action));
  TRY(take(reader, "errnoRet", rule.errno_return));
  TRY(take_list(reader, "args", rule.arguments, oci::runtime::parse_seccomp_argument));
  parsed.includes = TRY(parse_condition(reader, "includes"));
  parsed.excludes = TRY(parse_condition(reader, "excludes"));
  return parsed;
}

Result<std::string> parse_architecture(const json::Reader& reader) {
  std::string text = TRY(reader.string());
  if (oci::runtime::is_seccomp_architecture(text)) return text;
  return reader.fault("unknown seccomp architecture '", printable(text), "'");
}

Result<ArchitectureEntry> parse_architecture_entry(const json::Reader& reader) {
  TRY(check_object(reader));
  ArchitectureEntry entry;
  const json::Reader architecture = TRY(reader.at("architecture"));
  entry.architecture = TRY(parse_architecture(architecture));
  TRY(take_list(reader, "subArchitectures", entry.others, parse_architecture));
  return entry;
}

// All but what Docker's format has differently, read as the specification's profile.
Result<Seccomp> parse_head(const json::Reader& reader) {
  json::Value head = json::Value::object();
  for (const char* key : {"defaultAction", "defaultErrnoRet", "architectures", "flags",
                          "listenerPath", "listenerMetadata"}) {
    if (const auto member = reader.find(key)) head.set(key, member->value());
  }
  return oci::runtime::parse_seccomp(json::Reader(head, reader.path()));
}

bool has(const std::vector<std::string>& list, std::string_view wanted) {
  return std::ranges::find(list, wanted) != list.end();
}

bool holds(const DockerRule& rule, const Circumstances& now) {
  const Condition& includes = rule.includes;
  const Condition& excludes = rule.excludes;
  const auto have = [&](const std::string& capability) {
    return has(now.capabilities, capability);
  };
  if (has(excludes.architectures, now.architecture)) return false;
  if (std::ranges::any_of(excludes.capabilities, have)) return false;
  if (excludes.least_kernel && now.kernel >= *excludes.least_kernel) return false;
  if (!includes.architectures.empty() && !has(includes.architectures, now.architecture)) {
    return false;
  }
  if (!std::ranges::all_of(includes.capabilities, have)) return false;
  return !includes.least_kernel || now.kernel >= *includes.least_kernel;
}

}  // namespace

Result<KernelVersion> parse_kernel_version(std::string_view text) {
  const auto [major, rest] = split_once(text, '.');
  KernelVersion version;
  version.major = TRY(parse_number<std::uint32_t>(major));
  const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  version.minor = TRY(parse_number<std::uint32_t>(rest.substr(0, digits)));
  return version;
}

Result<DockerProfile> parse_docker_profile(const json::Reader& reader) {
  TRY(check_object(reader));
  DockerProfile profile;
  profile.head = TRY(parse_head(reader));
  TRY(take_list(reader, "archMap", profile.architecture_map, parse_architecture_entry));
  if (!profile.head.architectures.empty() && !profile.architecture_map.empty()) {
    return reader.fault("'architectures' and 'archMap' exclude each other");
  }
  TRY(take_list(reader, "syscalls", profile.rules, parse_rule));
  return profile;
}

Result<Circumstances> circumstances_here(std::vector<std::string> capabilities) {
  struct utsname kernel = {};
  if (::uname(&kernel) != 0) return fail_errno("uname");
  Circumstances now{.capabilities = std::move(capabilities)};
  now.kernel = TRY(parse_kernel_version(kernel.release));
  const auto name = std::ranges::find(kArchitectureNames, std::string_view(kernel.machine),
                                      &ArchitectureName::machine);
  now.architecture = name == kArchitectureNames.end() ? kernel.machine : std::string(name->go);
  return now;
}

Seccomp resolve(const DockerProfile& profile, const Circumstances& circumstances) {
  Seccomp resolved = profile.head;
  const auto name =
      std::ranges::find(kArchitectureNames, circumstances.architecture, &ArchitectureName::go);
  if (name != kArchitectureNames.end()) {
    const auto entry =
        std::ranges::find(profile.architecture_map, name->oci, &ArchitectureEntry::architecture);
    if (entry != profile.architecture_map.end()) {
      resolved.architectures = {entry->architecture};
      std::ranges::copy(entry->others, std::back_inserter(resolved.architectures));
    }
  }
  for (const DockerRule& rule : profile.rules) {
    if (holds(rule, circumstances)) resolved.rules.push_back(rule.rule);
  }
  return resolved;
}

Result<Seccomp> default_profile(std::vector<std::string> capabilities) {
  constexpr std::string_view kName = "docker-default.json";
  const json::Value text = TRY(json::parse(default_profile_text(), kName));
  const DockerProfile profile = TRY(parse_docker_profile(json::Reader(text, kName)));
  const Circumstances here = TRY(circumstances_here(std::move(capabilities)));
  return resolve(profile, here);
}

}  // namespace proa::container::seccomp
