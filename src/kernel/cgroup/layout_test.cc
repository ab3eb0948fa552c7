#include "kernel/cgroup/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace proa::cgroup {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kHybridMounts =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup systemd rw,xattr,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr std::string_view kHybridOwn =
    "9:name=systemd:/user.slice\n4:memory:/process/abc\n2:cpu,cpuacct:/\n0::/leaf\n";

TEST(CgroupLayout, hybrid_has_its_controllers_where_they_are_bound) {
  const Result<Layout> layout = parse_layout(kHybridMounts, kHybridOwn);
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  ASSERT_EQ(layout.value().hierarchies.size(), 4U);
  EXPECT_TRUE(layout.value().has_v1());
  const Hierarchy* cpu = layout.value().find("cpuacct");
  ASSERT_NE(cpu, nullptr);
  EXPECT_EQ(cpu->label(), "cpu,cpuacct");
  EXPECT_EQ(cpu->mount_point, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(layout.value().find("memory")->own, "/process/abc");
  const Hierarchy* named = layout.value().find("name=systemd");
  ASSERT_NE(named, nullptr);
  EXPECT_EQ(named->own, "/user.slice");
  EXPECT_EQ(named->mount_options(), "none,name=systemd");
  ASSERT_NE(layout.value().unified(), nullptr);
  EXPECT_EQ(layout.value().unified()->own, "/leaf");
  EXPECT_EQ(layout.value().find("pids"), nullptr);
}

TEST(CgroupLayout, pure_v2_has_no_v1) {
  const Result<Layout> layout =
      parse_layout("30 24 0:26 / /cg rw,nosuid - cgroup2 none rw\n", "0::/system.slice/x\n");
  ASSERT_TRUE(layout.ok());
  EXPECT_FALSE(layout.value().has_v1());
  EXPECT_EQ(layout.value().unified()->mount_point, "/cg");
  EXPECT_EQ(layout.value().unified()->own, "/system.slice/x");
}

TEST(CgroupLayout, own_cgroup_counts_from_what_is_mounted) {
  const auto own = [](std::string_view root, std::string_view path) {
    const std::string mounts =
        std::string("35 31 0:32 ") + std::string(root) + " /m rw - cgroup cgroup rw,memory\n";
    const std::string cgroups = "4:memory:" + std::string(path) + "\n";
    return parse_layout(mounts, cgroups).value().hierarchies.at(0).own;
  };
  EXPECT_EQ(own("/docker/a", "/docker/a/b"), "/b");
  EXPECT_EQ(own("/docker/a", "/docker/a"), "/");
  EXPECT_EQ(own("/docker/a", "/docker/abc"), "/");
  EXPECT_EQ(own("/..", "/"), "/");
}

TEST(CgroupLayout, mount_point_is_unescaped_and_counts_once) {
  const Result<Layout> layout = parse_layout(
      "35 31 0:32 / /with\\040blank rw - cgroup cgroup rw,pids\n"
      "36 31 0:32 / /again rw - cgroup cgroup rw,pids,release_agent=/x\n",
      "");
  ASSERT_TRUE(layout.ok());
  ASSERT_EQ(layout.value().hierarchies.size(), 1U);
  EXPECT_EQ(layout.value().hierarchies[0].mount_point, "/with blank");
  EXPECT_THAT(layout.value().hierarchies[0].controllers, ElementsAre("pids"));
}

TEST(CgroupLayout, cut_texts_are_corrupt) {
  EXPECT_EQ(parse_layout("35 31 0:32 / /m rw cgroup", "").error().kind(), ErrorKind::corrupt);
  EXPECT_EQ(parse_layout("35 31 - cgroup cgroup rw", "").error().kind(), ErrorKind::corrupt);
  EXPECT_EQ(parse_layout("", "4:memory").error().kind(), ErrorKind::corrupt);
}

}  // namespace
}  // namespace proa::cgroup
