#include "container/limits/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"
#include "container/limits/writes.h"

namespace proa::container::limits {
namespace {

using cgroup::Hierarchy;
using cgroup::Layout;
using cgroup::Version;
using oci::runtime::Resources;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Hierarchy v1(std::vector<std::string> controllers) {
  Hierarchy hierarchy;
  hierarchy.mount_point = cat("/cg/", join(controllers, ","));
  hierarchy.controllers = std::move(controllers);
  return hierarchy;
}

Hierarchy v2(std::vector<std::string> controllers) {
  Hierarchy hierarchy;
  hierarchy.version = Version::v2;
  hierarchy.controllers = std::move(controllers);
  hierarchy.mount_point = "/cg2";
  return hierarchy;
}

Layout all_v1() {
  return {{v1({"cpu"}), v1({"cpuacct"}), v1({"cpuset"}), v1({"memory"}), v1({"devices"}),
           v1({"freezer"}), v1({"blkio"}), v1({"pids"}), v1({"hugetlb"}), v1({"name=systemd"})}};
}

Layout hybrid() {
  Layout layout = all_v1();
  std::erase_if(layout.hierarchies, [](const Hierarchy& found) { return found.has("hugetlb"); });
  layout.hierarchies.push_back(v2({"hugetlb"}));
  return layout;
}

Layout pure_v2() { return {{v2({"cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma"})}}; }

Request request(Hierarchies hierarchies = Hierarchies::all) {
  return {.cgroups_path = "/proa/web",
          .id = "web",
          .hierarchies = hierarchies,
          .devices = DeviceControl::skipped};
}

// "file=content" of every write, in order.
std::vector<std::string> texts_of(const Placement& placement) {
  std::vector<std::string> texts;
  for (const Write& write : placement.writes) texts.push_back(cat(write.file, "=", write.content));
  return texts;
}

std::vector<std::string> labels_of(const Plan& plan) {
  std::vector<std::string> labels;
  for (const Placement& placement : plan.placements) labels.push_back(placement.label);
  return labels;
}

std::vector<std::string> writes_for(const Layout& layout, const Resources& resources) {
  const Result<Plan> plan = make_plan(layout, resources, request());
  if (!plan.ok()) return {plan.error().message()};
  std::vector<std::string> texts;
  for (const Placement& placement : plan.value().placements) {
    std::ranges::copy(texts_of(placement), std::back_inserter(texts));
  }
  return texts;
}

TEST(LimitsPlan, all_makes_every_hierarchy_and_asked_for_only_the_needed) {
  const Plan all = make_plan(hybrid(), {}, request()).take();
  EXPECT_EQ(all.placements.size(), hybrid().hierarchies.size());
  const Plan few = make_plan(hybrid(), {}, request(Hierarchies::asked_for)).take();
  EXPECT_THAT(labels_of(few), UnorderedElementsAre("cpuacct", "memory", ""));
  const Plan limited =
      make_plan(hybrid(), {.pids_limit = 5}, request(Hierarchies::asked_for)).take();
  EXPECT_THAT(labels_of(limited), UnorderedElementsAre("cpuacct", "memory", "pids", ""));
  // Without a v2 cgroup only the v1 freezer can pause.
  const Plan v1_only = make_plan(all_v1(), {}, request(Hierarchies::asked_for)).take();
  EXPECT_THAT(labels_of(v1_only), UnorderedElementsAre("cpuacct", "memory", "freezer"));
}

TEST(LimitsPlan, update_touches_only_what_it_names) {
  Request update = request(Hierarchies::asked_for);
  update.purpose = Purpose::update;
  const Plan plan = make_plan(hybrid(), {.cpu = {.shares = 512}}, update).take();
  EXPECT_THAT(labels_of(plan), ElementsAre("cpu"));
  EXPECT_THAT(texts_of(plan.placements[0]), ElementsAre("cpu.shares=512"));
}

TEST(LimitsPlan, cpu_on_both_versions) {
  const Resources resources{.cpu = {.shares = 1024,
                                    .quota = 50000,
                                    .burst = 1000,
                                    .period = 100000,
                                    .idle = 0,
                                    .cpus = "0-1",
                                    .mems = "0"}};
  EXPECT_THAT(writes_for(all_v1(), resources),
              UnorderedElementsAre("cpu.shares=1024", "cpu.idle=0", "cpu.cfs_period_us=100000",
                                   "cpu.cfs_quota_us=50000", "cpu.cfs_burst_us=1000",
                                   "cpuset.cpus=0-1", "cpuset.mems=0"));
  EXPECT_THAT(writes_for(pure_v2(), resources),
              ElementsAre("cpu.weight=100", "cpu.idle=0", "cpu.max=50000 100000",
                          "cpu.max.burst=1000", "cpuset.cpus=0-1", "cpuset.mems=0"));
  EXPECT_THAT(writes_for(pure_v2(), {.cpu = {.quota = -1}}), ElementsAre("cpu.max=max"));
  EXPECT_THAT(writes_for(pure_v2(), {.cpu = {.period = 5000}}), ElementsAre("cpu.max=max 5000"));
}

TEST(LimitsPlan, memory_on_both_versions) {
  const Resources resources{.memory = {.limit = 1000, .reservation = 500, .swap = 3000}};
  EXPECT_THAT(writes_for(all_v1(), resources),
              ElementsAre("memory.limit_in_bytes=1000", "memory.memsw.limit_in_bytes=3000",
                          "memory.soft_limit_in_bytes=500"));
  EXPECT_THAT(writes_for(pure_v2(), resources),
              ElementsAre("memory.swap.max=2000", "memory.max=1000", "memory.low=500"));
  EXPECT_THAT(writes_for(all_v1(), {.memory = {.limit = -1}}),
              ElementsAre("memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1"));
  EXPECT_THAT(writes_for(pure_v2(), {.memory = {.limit = -1}}),
              ElementsAre("memory.swap.max=max", "memory.max=max"));
}

TEST(LimitsPlan, swap_that_contradicts_memory_is_refused) {
  for (const Layout& layout : {all_v1(), pure_v2()}) {
    EXPECT_THAT(writes_for(layout, {.memory = {.limit = 10, .swap = 9}}),
                ElementsAre("memory.swap (9) is less than memory.limit (10), which it includes"));
  }
  EXPECT_EQ(swap_max({.limit = 10, .swap = 10}).value(), "0");
  EXPECT_EQ(swap_max({.limit = 10, .swap = -1}).value(), "max");
  EXPECT_EQ(swap_max({.limit = 10}).value(), std::nullopt);
  EXPECT_FALSE(swap_max({.swap = 10}).ok());
  EXPECT_FALSE(swap_max({.swap = -2}).ok());
}

TEST(LimitsPlan, pids_io_hugepages_and_rdma_on_both_versions) {
  Resources resources{.pids_limit = 0};
  EXPECT_THAT(writes_for(pure_v2(), resources), ElementsAre("pids.max=max"));
  resources = {};
  resources.block.weight = 500;
  resources.block.read_bytes = {{.major = 8, .minor = 1, .rate = 77}};
  resources.block.write_operations = {{.major = 8, .minor = 1, .rate = 0}};
  EXPECT_THAT(writes_for(all_v1(), resources),
              ElementsAre("blkio.bfq.weight=500", "blkio.throttle.read_bps_device=8:1 77",
                          "blkio.throttle.write_iops_device=8:1 0"));
  EXPECT_THAT(writes_for(pure_v2(), resources),
              ElementsAre("io.bfq.weight=500", "io.max=8:1 rbps=77", "io.max=8:1 wiops=max"));
  resources = {.hugepages = {{.page_size = "2MB", .limit = 4096}}};
  EXPECT_THAT(writes_for(all_v1(), resources), ElementsAre("hugetlb.2MB.limit_in_bytes=4096",
                                                           "hugetlb.2MB.rsvd.limit_in_bytes=4096"));
  // In the hybrid the controller is bound to v2.
  EXPECT_THAT(writes_for(hybrid(), resources),
              ElementsAre("hugetlb.2MB.max=4096", "hugetlb.2MB.rsvd.max=4096"));
  resources = {.rdma = {{.device = "m", .handles = 1, .objects = 2}}};
  EXPECT_THAT(writes_for(pure_v2(), resources),
              ElementsAre("rdma.max=m hca_handle=1 hca_object=2"));
}

TEST(LimitsPlan, missing_controller_and_file_are_named) {
  EXPECT_THAT(writes_for({{v2({"memory"})}}, {.pids_limit = 3}),
              ElementsAre("'pids.max' needs the cgroup controller 'pids', which this host does not "
                          "have"));
  EXPECT_THAT(writes_for(pure_v2(), {.memory = {.swappiness = 3}}),
              ElementsAre("cgroup v2 has nothing for 'memory.swappiness'"));
  EXPECT_THAT(writes_for(pure_v2(), {.network = {.class_id = 3}}),
              ElementsAre("cgroup v2 has nothing for 'network.classID'"));
}

TEST(LimitsPlan, unified_keys_need_their_controller_on_v2) {
  EXPECT_THAT(writes_for(pure_v2(), {.unified = {{"memory.high", "5"},
                                                 {"io.max", "8:0 rbps=1\n8:16 rbps=2\n"}}}),
              ElementsAre("memory.high=5", "io.max=8:0 rbps=1", "io.max=8:16 rbps=2"));
  EXPECT_THAT(writes_for(hybrid(), {.unified = {{"memory.high", "5"}}}),
              ElementsAre("'memory.high' of 'unified' needs the controller 'memory' on cgroup v2, "
                          "but this host has it on v1"));
  EXPECT_THAT(writes_for(all_v1(), {.unified = {{"memory.high", "5"}}}),
              ElementsAre("'unified' needs cgroup v2, which is not mounted"));
}

TEST(LimitsPlan, v2_switches_on_what_limits_need_and_what_statistics_like) {
  const Plan plan = make_plan(pure_v2(), {.pids_limit = 3}, request()).take();
  ASSERT_EQ(plan.placements.size(), 1U);
  EXPECT_THAT(plan.placements[0].required, ElementsAre("pids"));
  EXPECT_THAT(plan.placements[0].wanted,
              ElementsAre("cpu", "cpuset", "io", "memory", "pids", "hugetlb"));
}

TEST(LimitsPlan, devices_go_to_the_list_or_to_a_program) {
  Request asked = request();
  asked.devices = DeviceControl::enforced;
  const Plan list = make_plan(hybrid(), {}, asked).take();
  EXPECT_FALSE(list.device_program.has_value());
  EXPECT_THAT(list.placements,
              Contains(AllOf(Field(&Placement::label, "devices"),
                             Field(&Placement::writes, Contains(Write{"devices.deny", "a"})))));
  asked.hierarchies = Hierarchies::asked_for;
  const Plan program = make_plan(hybrid(), {}, asked).take();
  EXPECT_TRUE(program.device_program.has_value());
  EXPECT_THAT(labels_of(program), UnorderedElementsAre("cpuacct", "memory", ""));
  EXPECT_EQ(make_plan({{v1({"memory"})}}, {}, asked).error().kind(), ErrorKind::unsupported);
}

TEST(LimitsPlan, paths_absolute_relative_and_empty) {
  Hierarchy hierarchy = v1({"memory"});
  hierarchy.own = "/user/me";
  EXPECT_EQ(resolve_path(hierarchy, "/a//b/", "id").value(), "/a/b");
  EXPECT_EQ(resolve_path(hierarchy, "a/b", "id").value(), "/user/me/a/b");
  EXPECT_EQ(resolve_path(hierarchy, "", "id").value(), "/id");
  EXPECT_FALSE(resolve_path(hierarchy, "/a/../b", "id").ok());
  EXPECT_FALSE(resolve_path(hierarchy, "/", "id").ok());
  EXPECT_FALSE(resolve_path(hierarchy, "./", "id").ok());
  EXPECT_FALSE(resolve_path(hierarchy, std::string(300, 'a'), "id").ok());
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "/a";
  EXPECT_FALSE(resolve_path(hierarchy, deep, "id").ok());
}

TEST(LimitsConversion, cpu_weight_meets_the_ends_and_the_default) {
  EXPECT_EQ(cpu_weight(0), 1U);
  EXPECT_EQ(cpu_weight(2), 1U);
  EXPECT_EQ(cpu_weight(1024), 100U);
  EXPECT_EQ(cpu_weight(262144), 10000U);
  EXPECT_EQ(cpu_weight(~std::uint64_t{0}), 10000U);
  for (std::uint64_t shares = 2; shares < 262144; shares = shares * 3 / 2 + 1) {
    EXPECT_LE(cpu_weight(shares), cpu_weight(shares * 3 / 2 + 1));
  }
}

TEST(LimitsConversion, io_weight_is_in_proportion) {
  EXPECT_EQ(io_weight(10), 1U);
  EXPECT_EQ(io_weight(1000), 10000U);
  EXPECT_EQ(io_weight(5), 1U);
  EXPECT_EQ(io_weight(500), 1 + 490U * 9999 / 990);
}

}  // namespace
}  // namespace proa::container::limits
