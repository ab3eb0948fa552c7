// Seccomp profiles in Docker's own format, whose rules may hold only with some capabilities, on
// some architectures or kernels; resolved to what the OCI runtime specification has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "oci/runtime/seccomp.h"

namespace proa::container::seccomp {

struct KernelVersion {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  auto operator<=>(const KernelVersion&) const = default;
};
// "6.1.0-26-amd64" -> 6.1
//
// Errors: invalid_argument
Result<KernelVersion> parse_kernel_version(std::string_view text);

// `includes` or `excludes` of a rule.
struct Condition {
  std::vector<std::string> capabilities;   // "CAP_SYS_ADMIN"
  std::vector<std::string> architectures;  // as Go names them: "amd64"
  std::optional<KernelVersion> least_kernel;
};

struct DockerRule {
  oci::runtime::SeccompRule rule;
  Condition includes;
  Condition excludes;
};

struct ArchitectureEntry {
  std::string architecture;
  std::vector<std::string> others;  // run beside it on the same machine
};

// Thread: a value.
struct DockerProfile {
  oci::runtime::Seccomp head;  // all but the rules
  std::vector<ArchitectureEntry> architecture_map;
  std::vector<DockerRule> rules;
};

// Reads a profile as `--security-opt seccomp=FILE` has it.
//
// Spec:   Docker, "Seccomp security profiles for Docker"
// Errors: invalid_argument (names the field)
Result<DockerProfile> parse_docker_profile(const json::Reader& reader);

// The text of Docker's default profile, which is part of the program (README.md says whose).
std::string_view default_profile_text();

// What a rule's conditions are held against.
struct Circumstances {
  std::vector<std::string> capabilities;  // the bounding set: "CAP_CHOWN"
  std::string architecture;               // "amd64"
  KernelVersion kernel;
};
// This machine's, with the container's bounding set.
Result<Circumstances> circumstances_here(std::vector<std::string> capabilities);

// Keeps the rules that hold.
oci::runtime::Seccomp resolve(const DockerProfile& profile, const Circumstances& circumstances);

// The default profile for a container with these capabilities on this machine.
Result<oci::runtime::Seccomp> default_profile(std::vector<std::string> capabilities);

}  // namespace proa::container::seccomp
