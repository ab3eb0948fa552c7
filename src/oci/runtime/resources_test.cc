#include "oci/runtime/resources.h"

#include <gtest/gtest.h>

namespace proa::oci::runtime {
namespace {

Result<Resources> parse(std::string_view text) {
  const json::Value value = TRY(json::parse(text, "config.json"));
  return parse_resources(json::Reader(value, "config.json"));
}

std::string fault_of(std::string_view text) {
  const Result<Resources> resources = parse(text);
  return resources.ok() ? "accepted" : resources.error().message();
}

TEST(Resources, every_field_arrives_where_it_belongs) {
  const Result<Resources> parsed = parse(R"({
    "devices": [{"allow": false, "access": "rwm"},
                {"allow": true, "type": "c", "major": 1, "minor": -1, "access": "rm"},
                {"allow": true, "type": "b", "major": 8}],
    "cpu": {"shares": 512, "quota": -1, "burst": 7, "period": 100000, "realtimeRuntime": 5,
            "realtimePeriod": 6, "idle": 1, "cpus": "0-1", "mems": "0"},
    "memory": {"limit": 1, "reservation": 2, "swap": -1, "kernel": 4, "kernelTCP": 5,
               "swappiness": 60, "disableOOMKiller": true, "useHierarchy": true,
               "checkBeforeUpdate": true},
    "pids": {"limit": 10},
    "blockIO": {"weight": 100, "leafWeight": 101,
                "weightDevice": [{"major": 8, "minor": 0, "weight": 11, "leafWeight": 12}],
                "throttleReadBpsDevice": [{"major": 8, "minor": 1, "rate": 1}],
                "throttleWriteBpsDevice": [{"major": 8, "minor": 1, "rate": 2}],
                "throttleReadIOPSDevice": [{"major": 8, "minor": 1, "rate": 3}],
                "throttleWriteIOPSDevice": [{"major": 8, "minor": 1, "rate": 4}]},
    "hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}],
    "network": {"classID": 9, "priorities": [{"name": "eth0", "priority": 3}]},
    "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 4}},
    "unified": {"memory.high": "100"}})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();

  Resources expected;
  const DeviceAccess all{.read = true, .write = true, .mknod = true};
  expected.devices = {{.allow = false, .access = all},
                      {.allow = true,
                       .type = DeviceType::character,
                       .major = 1,
                       .access = {.read = true, .mknod = true}},
                      {.allow = true, .type = DeviceType::block, .major = 8, .access = all}};
  expected.cpu = {.shares = 512,
                  .quota = -1,
                  .burst = 7,
                  .period = 100000,
                  .realtime_runtime = 5,
                  .realtime_period = 6,
                  .idle = 1,
                  .cpus = "0-1",
                  .mems = "0"};
  expected.memory = {.limit = 1,
                     .reservation = 2,
                     .swap = -1,
                     .kernel = 4,
                     .kernel_tcp = 5,
                     .swappiness = 60,
                     .disable_oom_killer = true,
                     .use_hierarchy = true,
                     .check_before_update = true};
  expected.pids_limit = 10;
  expected.block = {.weight = 100,
                    .leaf_weight = 101,
                    .weight_devices = {{.major = 8, .minor = 0, .weight = 11, .leaf_weight = 12}},
                    .read_bytes = {{.major = 8, .minor = 1, .rate = 1}},
                    .write_bytes = {{.major = 8, .minor = 1, .rate = 2}},
                    .read_operations = {{.major = 8, .minor = 1, .rate = 3}},
                    .write_operations = {{.major = 8, .minor = 1, .rate = 4}}};
  expected.hugepages = {{.page_size = "2MB", .limit = 4194304}};
  expected.network = {.class_id = 9, .priorities = {{.name = "eth0", .priority = 3}}};
  expected.rdma = {{.device = "mlx5_1", .handles = 3, .objects = 4}};
  expected.unified = {{"memory.high", "100"}};
  EXPECT_EQ(parsed.value(), expected);
}

TEST(Resources, empty_object_asks_for_nothing) {
  const Result<Resources> parsed = parse("{}");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.value(), Resources());
}

TEST(Resources, wrong_field_is_named) {
  EXPECT_EQ(fault_of(R"({"cpu": {"shares": "many"}})"),
            "config.json: cpu.shares: expected an integer, got a string");
  EXPECT_EQ(fault_of(R"({"memory": 5})"),
            "config.json: memory: expected an object, got an integer");
  EXPECT_EQ(fault_of(R"({"devices": [{"allow": true, "access": "rx"}]})"),
            "config.json: devices[0].access: device access 'rx' has letters other than r, w, m");
  EXPECT_EQ(fault_of(R"({"devices": [{"type": "c"}]})"),
            "config.json: devices[0]: 'allow' is missing");
  EXPECT_EQ(fault_of(R"({"devices": [{"allow": true, "major": -2}]})"),
            "config.json: devices[0].major: device number -2 is out of range");
  EXPECT_EQ(fault_of(R"({"blockIO": {"throttleReadBpsDevice": [{"major": 8, "rate": 1}]}})"),
            "config.json: blockIO.throttleReadBpsDevice[0]: 'minor' is missing");
}

TEST(Resources, names_that_become_paths_cannot_leave_the_cgroup) {
  EXPECT_EQ(fault_of(R"({"unified": {"../cgroup.procs": "1"}})"),
            "config.json: unified: '../cgroup.procs' is not the name of a cgroup file");
  EXPECT_NE(fault_of(R"({"hugepageLimits": [{"pageSize": "../x2MB", "limit": 1}]})"), "accepted");
  EXPECT_NE(fault_of(R"({"hugepageLimits": [{"pageSize": "02MB", "limit": 1}]})"), "accepted");
}

}  // namespace
}  // namespace proa::oci::runtime
