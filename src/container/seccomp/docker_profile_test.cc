#include "container/seccomp/docker_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace proa::container::seccomp {
namespace {

using oci::runtime::Seccomp;
using oci::runtime::SeccompRule;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

Result<DockerProfile> parse(std::string_view text) {
  const json::Value value = TRY(json::parse(text, "p.json"));
  return parse_docker_profile(json::Reader(value, "p.json"));
}

std::vector<std::string> names_of(const Seccomp& profile) {
  std::vector<std::string> names;
  for (const SeccompRule& rule : profile.rules) {
    names.insert(names.end(), rule.names.begin(), rule.names.end());
  }
  return names;
}

Seccomp resolved_default(std::vector<std::string> capabilities, KernelVersion kernel = {6, 1}) {
  const Result<DockerProfile> profile = parse(default_profile_text());
  EXPECT_TRUE(profile.ok()) << profile.error().message();
  return resolve(
      profile.value(),
      {.capabilities = std::move(capabilities), .architecture = "amd64", .kernel = kernel});
}

TEST(DockerProfile, default_denies_by_eperm_and_covers_the_machines_three_architectures) {
  const Seccomp profile = resolved_default({});
  EXPECT_EQ(profile.default_action, oci::runtime::SeccompAction::error);
  EXPECT_EQ(profile.default_errno_return, 1U);
  EXPECT_THAT(profile.architectures,
              ElementsAre("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"));
  EXPECT_THAT(names_of(profile), Contains("read"));
  EXPECT_THAT(names_of(profile), Not(Contains("mount")));
  EXPECT_THAT(names_of(profile), Not(Contains("init_module")));
}

TEST(DockerProfile, capability_opens_its_calls_and_closes_what_excludes_it) {
  const Seccomp without = resolved_default({});
  const Seccomp with = resolved_default({"CAP_SYS_ADMIN"});
  EXPECT_THAT(names_of(with), Contains("mount"));
  const auto clone3_fails = [](const Seccomp& profile) {
    return std::ranges::any_of(profile.rules, [](const SeccompRule& rule) {
      return rule.names == std::vector<std::string>{"clone3"} && rule.errno_return == 38U;
    });
  };
  EXPECT_TRUE(clone3_fails(without));
  EXPECT_FALSE(clone3_fails(with));
}

TEST(DockerProfile, rule_for_newer_kernels_waits_for_one) {
  EXPECT_THAT(names_of(resolved_default({}, {4, 7})), Not(Contains("ptrace")));
  EXPECT_THAT(names_of(resolved_default({}, {4, 8})), Contains("ptrace"));
}

TEST(DockerProfile, other_architectures_rules_are_left_out) {
  EXPECT_THAT(names_of(resolved_default({})), Contains("arch_prctl"));
  EXPECT_THAT(names_of(resolved_default({})), Not(Contains("s390_runtime_instr")));
}

TEST(DockerProfile, kernel_versions_parse_as_uname_has_them) {
  EXPECT_EQ(parse_kernel_version("6.18.44-fc").value(), (KernelVersion{6, 18}));
  EXPECT_EQ(parse_kernel_version("4.8").value(), (KernelVersion{4, 8}));
  EXPECT_FALSE(parse_kernel_version("six").ok());
  EXPECT_FALSE(parse_kernel_version("6").ok());
}

TEST(DockerProfile, wrong_field_is_named) {
  const auto fault = [](std::string_view text) {
    const Result<DockerProfile> profile = parse(text);
    return profile.ok() ? "accepted" : profile.error().message();
  };
  EXPECT_EQ(fault(R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],
                      "archMap":[{"architecture":"SCMP_ARCH_X86"}]})"),
            "p.json: 'architectures' and 'archMap' exclude each other");
  EXPECT_EQ(fault(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
                      {"action":"SCMP_ACT_ALLOW"}]})"),
            "p.json: syscalls[0]: 'names' is missing");
  EXPECT_EQ(fault(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"read",
                      "action":"SCMP_ACT_ALLOW","includes":{"minKernel":"x"}}]})"),
            "p.json: syscalls[0].includes.minKernel: 'x' is no kernel version");
  EXPECT_EQ(fault(R"({"defaultAction":"NO"})"),
            "p.json: defaultAction: unknown seccomp action 'NO'");
}

}  // namespace
}  // namespace proa::container::seccomp
