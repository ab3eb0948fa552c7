#include "container/limits/stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace proa::container::limits {
namespace {

using ::testing::ElementsAre;

TEST(LimitsStats, blkio_lines_without_a_device_are_left_out) {
  EXPECT_THAT(parse_blkio("8:0 Read 10\n8:0 Write 20\n8:0 Other 3\nTotal 30\n8:x Read 1\n"),
              ElementsAre(BlockCount{8, 0, BlockOperation::read, 10},
                          BlockCount{8, 0, BlockOperation::write, 20}));
}

TEST(LimitsStats, io_stat_is_parted_into_bytes_and_operations) {
  const BlockStats stats =
      parse_io_stat("254:1 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.usage=7\n8:0 \n");
  EXPECT_THAT(stats.bytes, ElementsAre(BlockCount{254, 1, BlockOperation::read, 1},
                                       BlockCount{254, 1, BlockOperation::write, 2},
                                       BlockCount{254, 1, BlockOperation::discard, 5}));
  EXPECT_THAT(stats.operations, ElementsAre(BlockCount{254, 1, BlockOperation::read, 3},
                                            BlockCount{254, 1, BlockOperation::write, 4},
                                            BlockCount{254, 1, BlockOperation::discard, 6}));
}

TEST(LimitsStats, pressure_has_full_only_where_the_kernel_says_it) {
  const Result<Pressure> both = parse_pressure(
      "some avg10=1.50 avg60=0.25 avg300=0.00 total=42\n"
      "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
  ASSERT_TRUE(both.ok());
  EXPECT_DOUBLE_EQ(both.value().some.average10, 1.5);
  EXPECT_DOUBLE_EQ(both.value().some.average60, 0.25);
  EXPECT_EQ(both.value().some.total, 42U);
  ASSERT_TRUE(both.value().full.has_value());
  EXPECT_EQ(both.value().full->total, 7U);
  EXPECT_FALSE(parse_pressure("some avg10=0.00 total=1\n").value().full.has_value());
  EXPECT_FALSE(parse_pressure("some avg10=x total=1\n").ok());
}

TEST(LimitsStats, print_has_runcs_names) {
  Stats stats;
  stats.cpu = CpuStats{.total = 6, .user = 4, .system = 2, .per_cpu = {1, 5}};
  stats.memory = MemoryStats{.memory = {.usage = 10, .peak = 12, .limit = 100, .failures = 1},
                             .cache = 3,
                             .raw = {{"file", 3}}};
  stats.pids = PidsStats{.current = 2};
  stats.block = BlockStats{.bytes = {{8, 0, BlockOperation::read, 9}}};
  stats.hugepages = {{.page_size = "2MB", .usage = 4}};
  EXPECT_EQ(json::print(to_json(stats)),
            R"({"cpu":{"usage":{"total":6,"percpu":[1,5],"kernel":2,"user":4},)"
            R"("throttling":{"periods":0,"throttledPeriods":0,"throttledTime":0}},)"
            R"("memory":{"usage":{"limit":100,"usage":10,"max":12,"failcnt":1},"cache":3,)"
            R"("raw":{"file":3}},"pids":{"current":2},)"
            R"("blkio":{"ioServiceBytesRecursive":[{"major":8,"minor":0,"op":"Read","value":9}],)"
            R"("ioServicedRecursive":[]},"hugetlb":{"2MB":{"usage":4,"failcnt":0}}})");
}

}  // namespace
}  // namespace proa::container::limits
