#include "hull/heavy/guest_spec.h"

#include <gtest/gtest.h>

#include "oci/runtime/spec.h"
#include "tests/fixtures/require.h"

namespace proa::hull {
namespace {

constexpr std::uint64_t kMebi = 1 << 20;

wire::Spec spec_with(const std::string& linux_part) {
  wire::Spec spec;
  spec.id = "abc";
  spec.directory = "/root/workloads/abc";
  spec.oci =
      R"({"ociVersion":"1.0.2","process":{"args":["x"],"cwd":"/"},"linux":{)" + linux_part + "}}";
  return spec;
}

constexpr const char* kNamespaces =
    R"("namespaces":[{"type":"mount"},{"type":"pid"},{"type":"network"},{"type":"ipc"},)"
    R"({"type":"uts"},{"type":"user"}],)"
    R"("uidMappings":[{"containerID":0,"hostID":1000,"size":10}],)"
    R"("gidMappings":[{"containerID":0,"hostID":1000,"size":10}])";

TEST(GuestSpec, size_when_nothing_asked_then_is_the_default_and_one_processor) {
  const auto size = machine_size(spec_with(""), 8);
  ASSERT_OK(size);
  EXPECT_EQ(size.value().workload_memory, kDefaultMemory);
  EXPECT_EQ(size.value().memory, kDefaultMemory + kGuestOverhead);
  EXPECT_EQ(size.value().vcpus, 1U);
}

TEST(GuestSpec, size_when_one_and_a_half_processors_then_is_two_held_to_the_quota) {
  const wire::Spec spec = spec_with(
      R"("resources":{"memory":{"limit":67108864},"cpu":{"quota":150000,"period":100000}})");
  const auto size = machine_size(spec, 8);
  ASSERT_OK(size);
  EXPECT_EQ(size.value().vcpus, 2U);
  EXPECT_EQ(size.value().workload_memory, 64 * kMebi);
  const auto limits = host_limits(spec, size.value(), 100 * kMebi);
  ASSERT_OK(limits);
  EXPECT_EQ(limits.value().memory.limit,
            static_cast<std::int64_t>(64 * kMebi + kGuestOverhead + 100 * kMebi));
  EXPECT_EQ(limits.value().cpu.quota, 150000);
}

TEST(GuestSpec, size_when_more_processors_than_the_host_then_has_the_host_s) {
  const auto size =
      machine_size(spec_with(R"("resources":{"cpu":{"quota":800000,"period":100000}})"), 2);
  ASSERT_OK(size);
  EXPECT_EQ(size.value().vcpus, 2U);
}

TEST(GuestSpec, spec_when_for_the_guest_then_has_no_host_in_it) {
  wire::Spec spec = spec_with(std::string(kNamespaces) +
                              R"(,"resources":{"pids":{"limit":99},"cpu":{"quota":1}})");
  spec.ids = wire::IdRange{100000, 65536};
  spec.layers = {"/x/y.erofs"};
  spec.cgroup = "/proa/abc";
  spec.shares = {{"/srv/data", "/data", false, "rshared", false},
                 {"/root/workloads/abc/hosts", "/etc/hosts", false, "", false}};
  const auto guest = guest_spec(spec, {128 * kMebi, 32 * kMebi, 1});
  ASSERT_OK(guest);
  EXPECT_FALSE(guest.value().ids.has_value());
  EXPECT_TRUE(guest.value().layers.empty());
  EXPECT_EQ(guest.value().cgroup, "/workload");
  EXPECT_EQ(guest.value().shares[0].source, "/run/shares/0");
  EXPECT_EQ(guest.value().shares[1].source, "/run/files/1");
  const auto read = oci::runtime::parse_spec(guest.value().oci);
  ASSERT_OK(read);
  const auto& part = read.value().linux_part;
  EXPECT_EQ(part.find(oci::runtime::NamespaceType::network), nullptr);
  EXPECT_EQ(part.find(oci::runtime::NamespaceType::user), nullptr);
  EXPECT_NE(part.find(oci::runtime::NamespaceType::pid), nullptr);
  EXPECT_EQ(part.resources.pids_limit, 99);
  EXPECT_EQ(part.resources.memory.limit, static_cast<std::int64_t>(32 * kMebi));
  EXPECT_FALSE(part.resources.cpu.quota.has_value());
}

TEST(GuestSpec, possible_when_a_namespace_is_the_host_s_then_names_it) {
  EXPECT_OK(check_possible(spec_with(kNamespaces)));
  const auto refused =
      check_possible(spec_with(R"("namespaces":[{"type":"mount"},{"type":"network"},)"
                               R"({"type":"ipc"},{"type":"uts"}])"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::unsupported);
  EXPECT_NE(refused.error().message().find("pid"), std::string::npos);
}

}  // namespace
}  // namespace proa::hull
