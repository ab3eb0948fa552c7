#include "container/plan/plan.h"

#include <gtest/gtest.h>
#include <sched.h>

#include "tests/fixtures/require.h"

namespace proa::container {
namespace {

using oci::runtime::NamespaceType;
using oci::runtime::Spec;

Spec small_spec() {
  Spec spec;
  spec.root = {"rootfs", false};
  spec.process.emplace();
  spec.process->args = {"true"};
  spec.process->cwd = "/";
  spec.linux_part.namespaces = {{NamespaceType::mount, ""},
                                {NamespaceType::pid, ""},
                                {NamespaceType::network, ""},
                                {NamespaceType::uts, ""}};
  return spec;
}

std::string message_of(Spec spec) {
  const Result<Plan> plan = make_plan(std::move(spec), {.id = "web", .bundle = "/b"});
  return plan.ok() ? "(planned)" : plan.error().message();
}

TEST(Plan, relative_root_lies_in_the_bundle) {
  const Result<Plan> plan = make_plan(small_spec(), {.id = "web", .bundle = "/b"});
  ASSERT_OK(plan);
  EXPECT_EQ(plan.value().root, "/b/rootfs");
  EXPECT_TRUE(plan.value().has_fresh(CLONE_NEWPID));
}

TEST(Plan, sysctl_of_its_own_namespace_is_planned) {
  Spec spec = small_spec();
  spec.linux_part.sysctl = {{"net.ipv4.ip_forward", "1"}, {"net/ipv4/conf/eth0.1/mtu", "9"}};
  EXPECT_EQ(message_of(spec), "(planned)");
}

TEST(Plan, sysctl_that_leaves_its_tree_is_refused) {
  for (const char* key : {"net/../kernel/panic", "net//kernel", "/net/core", "net/./core"}) {
    Spec spec = small_spec();
    spec.linux_part.sysctl = {{key, "1"}};
    EXPECT_EQ(message_of(spec), cat("linux.sysctl: '", key, "' is not a name below /proc/sys"));
  }
}

TEST(Plan, sysctl_of_the_host_is_refused) {
  Spec spec = small_spec();
  spec.linux_part.sysctl = {{"kernel.panic", "1"}};
  EXPECT_EQ(message_of(spec), "linux.sysctl: 'kernel.panic' is not in a namespace of its own");
  spec.linux_part.sysctl = {{"kernel.shmmax", "1"}};
  EXPECT_EQ(message_of(spec),
            "linux.sysctl: 'kernel.shmmax' would be the host's: the container has no ipc "
            "namespace of its own");
}

TEST(Plan, hostname_without_uts_namespace_is_refused) {
  Spec spec = small_spec();
  spec.hostname = "web";
  spec.linux_part.namespaces.pop_back();
  EXPECT_EQ(message_of(spec), "hostname: the container has no uts namespace of its own");
}

TEST(Plan, id_with_a_slash_is_refused) {
  EXPECT_FALSE(check_id("../web").ok());
  EXPECT_FALSE(check_id("..").ok());
  EXPECT_OK(check_id("web-1.a_b+c"));
}

TEST(MountPlan, options_of_a_bind_become_attributes) {
  const auto plan = plan_mount({.destination = "/a/../b//c",
                                .type = "bind",
                                .source = "data",
                                .options = {"rbind", "ro", "nosuid", "rprivate"}},
                               "/bundle");
  ASSERT_OK(plan);
  EXPECT_EQ(plan.value().destination, "/b/c");
  EXPECT_EQ(plan.value().source, "/bundle/data");
  EXPECT_EQ(plan.value().depth, mount::Recursive::yes);
  EXPECT_EQ(plan.value().attributes.set,
            std::uint64_t{MOUNT_ATTR_RDONLY} | std::uint64_t{MOUNT_ATTR_NOSUID});
  EXPECT_EQ(plan.value().propagation, std::uint64_t{MS_PRIVATE});
}

TEST(MountPlan, later_option_wins) {
  const auto plan = plan_mount(
      {.destination = "/t", .type = "tmpfs", .options = {"ro", "noatime", "rw", "size=1k"}}, "/");
  ASSERT_OK(plan);
  EXPECT_EQ(plan.value().attributes.set & MOUNT_ATTR_RDONLY, 0u);
  EXPECT_EQ(plan.value().attributes.set & MOUNT_ATTR_NOATIME, std::uint64_t{MOUNT_ATTR_NOATIME});
  EXPECT_EQ(plan.value().options.size(), 1u);
}

TEST(MountPlan, copy_up_on_anything_but_tmpfs_is_refused) {
  EXPECT_FALSE(
      plan_mount({.destination = "/t", .type = "proc", .options = {"tmpcopyup"}}, "/").ok());
}

TEST(CleanPath, never_leaves_the_root) {
  EXPECT_EQ(clean_path("/../../etc"), "/etc");
  EXPECT_EQ(clean_path("a/./b/"), "/a/b");
  EXPECT_EQ(clean_path("/"), "/");
}

}  // namespace
}  // namespace proa::container
