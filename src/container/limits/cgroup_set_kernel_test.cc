#include "container/limits/cgroup_set.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <chrono>
#include <optional>

#include "base/text.h"
#include "container/limits/stats.h"
#include "container/limits/update.h"
#include "kernel/cgroup/events.h"
#include "kernel/file/file.h"
#include "kernel/file/temp_dir.h"
#include "kernel/process/child.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"

namespace proa::container::limits {
namespace {

using cgroup::Deadline;
using cgroup::Layout;
using cgroup::Version;
using oci::runtime::Resources;
using process::Child;
using ::testing::ElementsAre;

Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(10); }

class CgroupSetTest : public fixtures::LeakCheckedTest {
 protected:
  void SetUp() override {
    REQUIRE(root);
    LeakCheckedTest::SetUp();
    Result<Layout> layout = cgroup::discover();
    ASSERT_OK(layout);
    layout_ = layout.take();
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = cat("/proa-test-", ::getpid(), "-", test->name());
  }

  void TearDown() override {
    for (const cgroup::Hierarchy& hierarchy : layout_.hierarchies) {
      ::rmdir((hierarchy.mount_point + path_).c_str());
    }
    if (!IsSkipped()) LeakCheckedTest::TearDown();
  }

  Request request() const { return {.cgroups_path = cat(path_, "/leaf"), .id = "leaf"}; }

  Result<CgroupSet> create(const Resources& resources, const Request& request) {
    const Plan plan = TRY(make_plan(layout_, resources, request));
    return CgroupSet::create(plan, warnings_);
  }

  static Child sleeper() {
    process::Spawn spawn{.program = "/bin/sleep", .arguments = {"sleep", "1000"}};
    return Child::spawn(spawn).take();
  }

  // A shell script that starts only once it is in its cgroups.
  class Waiting {
   public:
    explicit Waiting(std::string script) {
      int ends[2];
      EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
      const Fd input(ends[0]);
      go_ = Fd(ends[1]);
      const Fd nowhere = file::open("/dev/null", O_WRONLY).take();
      process::Spawn spawn{.program = "/bin/sh",
                           .arguments = {"sh", "-c", cat("read go; ", script)}};
      spawn.standard_input = input;
      spawn.standard_error = nowhere;
      child_.emplace(Child::spawn(spawn).take());
    }
    pid_t pid() const { return child_->pid(); }
    void go() { EXPECT_EQ(::write(go_.get(), "go\n", 3), 3); }
    // How it ended; killed where it has no end within a minute.
    process::End end() {
      const auto end = child_->wait_for(std::chrono::seconds(60));
      EXPECT_TRUE(end.ok() && end.value().has_value()) << "no end within a minute";
      return end.ok() && end.value() ? *end.value() : process::End(process::Exited{-1});
    }

   private:
    std::optional<Child> child_;
    Fd go_;
  };

  std::string read(const CgroupSet& set, std::string_view controller, const std::string& file) {
    const cgroup::Cgroup* found = set.find(controller);
    if (found == nullptr) return cat("no cgroup for ", controller);
    const Result<std::string> text = found->read(file);
    return text.ok() ? std::string(trim(text.value())) : text.error().message();
  }

  bool is_v1(std::string_view controller) const {
    const cgroup::Hierarchy* found = layout_.find(controller);
    return found != nullptr && found->version == Version::v1;
  }

  Layout layout_;
  std::string path_;
  std::vector<std::string> warnings_;
};

TEST_F(CgroupSetTest, dropped_set_leaves_nothing) {
  const Result<CgroupSet> set = create({}, request());
  ASSERT_OK(set);
  EXPECT_EQ(set.value().record().size(), layout_.hierarchies.size());
  for (const Member& member : set.value().record()) {
    EXPECT_TRUE(file::exists(member.directory())) << member.directory();
  }
}

TEST_F(CgroupSetTest, kept_set_is_found_again_by_its_record_and_removed) {
  json::Value written;
  {
    Result<CgroupSet> set = create({}, request());
    ASSERT_OK(set);
    set.value().keep();
    written = to_json(set.value().record());
  }
  const Result<Record> record = parse_record(json::Reader(written, "state"));
  ASSERT_OK(record);
  Result<CgroupSet> again = CgroupSet::open(record.value());
  ASSERT_OK(again);
  EXPECT_EQ(again.value().record(), record.value());
  ASSERT_OK(again.value().remove(soon()));
  EXPECT_TRUE(CgroupSet::open(record.value()).value().empty());
}

TEST_F(CgroupSetTest, limits_are_in_the_files) {
  Resources resources{.cpu = {.shares = 1024, .quota = 20000, .period = 100000},
                      .memory = {.limit = 64 << 20, .reservation = 32 << 20},
                      .pids_limit = 7};
  const Result<CgroupSet> set = create(resources, request());
  ASSERT_OK(set);
  EXPECT_EQ(read(set.value(), "pids", "pids.max"), "7");
  if (is_v1("memory")) {
    EXPECT_EQ(read(set.value(), "memory", "memory.limit_in_bytes"), "67108864");
    EXPECT_EQ(read(set.value(), "memory", "memory.soft_limit_in_bytes"), "33554432");
    EXPECT_EQ(read(set.value(), "cpu", "cpu.cfs_quota_us"), "20000");
    EXPECT_EQ(read(set.value(), "cpu", "cpu.shares"), "1024");
  } else {
    EXPECT_EQ(read(set.value(), "memory", "memory.max"), "67108864");
    EXPECT_EQ(read(set.value(), "memory", "memory.low"), "33554432");
    EXPECT_EQ(read(set.value(), "cpu", "cpu.max"), "20000 100000");
    EXPECT_EQ(read(set.value(), "cpu", "cpu.weight"), "100");
  }
}

TEST_F(CgroupSetTest, update_changes_limits_up_and_down) {
  Result<CgroupSet> set =
      create({.memory = {.limit = 64 << 20, .swap = 64 << 20}, .pids_limit = 7}, request());
  ASSERT_OK(set);
  Request update = request();
  update.purpose = Purpose::update;
  // Each order of the two limits is refused in one direction.
  for (const std::int64_t limit : {256 << 20, 32 << 20}) {
    const Plan plan =
        make_plan(layout_, {.memory = {.limit = limit, .swap = limit}, .pids_limit = 9}, update)
            .take();
    ASSERT_OK(set.value().update(plan, warnings_));
    const std::string file = is_v1("memory") ? "memory.limit_in_bytes" : "memory.max";
    EXPECT_EQ(read(set.value(), "memory", file), cat(limit));
    EXPECT_EQ(read(set.value(), "pids", "pids.max"), "9");
  }
  ASSERT_OK(set.value().remove(soon()));
}

TEST_F(CgroupSetTest, update_keeps_what_it_leaves_unsaid) {
  Result<CgroupSet> set = create(
      {.cpu = {.quota = 20000, .period = 100000}, .memory = {.limit = 64 << 20, .swap = 64 << 20}},
      request());
  ASSERT_OK(set);
  Request update = request();
  update.purpose = Purpose::update;
  const Result<Resources> asked =
      complete_update(set.value(), {.cpu = {.period = 50000}, .memory = {.swap = 96 << 20}});
  ASSERT_OK(asked);
  const Result<Plan> plan = make_plan(layout_, asked.value(), update);
  ASSERT_OK(plan);
  ASSERT_OK(set.value().update(plan.value(), warnings_));
  if (is_v1("cpu")) {
    EXPECT_EQ(read(set.value(), "cpu", "cpu.cfs_quota_us"), "20000");
    EXPECT_EQ(read(set.value(), "cpu", "cpu.cfs_period_us"), "50000");
    EXPECT_EQ(read(set.value(), "memory", "memory.limit_in_bytes"), cat(64 << 20));
    EXPECT_EQ(read(set.value(), "memory", "memory.memsw.limit_in_bytes"), cat(96 << 20));
  } else {
    EXPECT_EQ(read(set.value(), "cpu", "cpu.max"), "20000 50000");
    EXPECT_EQ(read(set.value(), "memory", "memory.max"), cat(64 << 20));
    EXPECT_EQ(read(set.value(), "memory", "memory.swap.max"), cat(32 << 20));
  }
  ASSERT_OK(set.value().remove(soon()));
}

TEST_F(CgroupSetTest, checked_update_refuses_less_memory_than_is_in_use) {
  Result<CgroupSet> set = create({.memory = {.limit = 64 << 20}}, request());
  ASSERT_OK(set);
  Waiting script("x=$(head -c 1000000 /dev/zero | tr '\\0' x); sleep 1000");
  ASSERT_OK(set.value().add(script.pid()));
  script.go();
  const auto deadline = soon();
  while (read_stats(set.value()).value().memory->memory.usage < 500000) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "no memory was taken";
    ::poll(nullptr, 0, 5);
  }
  const Result<Resources> asked =
      complete_update(set.value(), {.memory = {.limit = 1, .check_before_update = true}});
  ASSERT_FALSE(asked.ok());
  EXPECT_EQ(asked.error().kind(), ErrorKind::busy);
  ASSERT_OK(set.value().kill());
  ASSERT_OK(set.value().remove(soon()));
}

TEST_F(CgroupSetTest, update_makes_and_joins_a_hierarchy_that_was_not_asked_for) {
  Request few = request();
  few.hierarchies = Hierarchies::asked_for;
  Result<CgroupSet> set = create({}, few);
  ASSERT_OK(set);
  const Child child = sleeper();
  ASSERT_OK(set.value().add(child.pid()));
  few.purpose = Purpose::update;
  const Plan plan = make_plan(layout_, {.pids_limit = 5}, few).take();
  ASSERT_OK(set.value().update(plan, warnings_));
  EXPECT_EQ(read(set.value(), "pids", "pids.max"), "5");
  EXPECT_EQ(read(set.value(), "pids", "pids.current"), "1");
  ASSERT_OK(set.value().kill());
  ASSERT_OK(set.value().remove(soon()));
}

TEST_F(CgroupSetTest, processes_join_freeze_thaw_and_die_together) {
  Result<CgroupSet> set = create({}, request());
  ASSERT_OK(set);
  Child child = sleeper();
  ASSERT_OK(set.value().add(child.pid()));
  EXPECT_THAT(set.value().processes().value(), ElementsAre(child.pid()));
  ASSERT_OK(set.value().freeze(soon()));
  EXPECT_TRUE(set.value().frozen().value());
  ASSERT_OK(set.value().thaw(soon()));
  EXPECT_FALSE(set.value().frozen().value());
  // Frozen processes die too.
  ASSERT_OK(set.value().freeze(soon()));
  ASSERT_OK(set.value().kill());
  const auto end = child.wait_for(std::chrono::seconds(10));
  ASSERT_OK(end);
  EXPECT_EQ(end.value(), process::End(process::Signalled{SIGKILL}));
  ASSERT_OK(set.value().remove(soon()));
}

TEST_F(CgroupSetTest, cgroup_made_by_the_container_is_killed_and_removed_with_it) {
  Result<CgroupSet> set = create({}, request());
  ASSERT_OK(set);
  std::vector<Child> children;
  for (const Member& member : set.value().record()) {
    const std::string inner = cat(member.directory(), "/inner");
    ASSERT_EQ(::mkdir(inner.c_str(), 0755), 0);
    if (member.label == "cpuset") continue;
    Child child = sleeper();
    ASSERT_OK(set.value().add(child.pid()));
    ASSERT_OK(file::write_existing(cat(inner, "/cgroup.procs"), cat(child.pid())));
    children.push_back(std::move(child));
  }
  EXPECT_EQ(set.value().processes().value().size(), children.size());
  ASSERT_OK(set.value().kill());
  for (Child& child : children) ASSERT_OK(child.wait_for(std::chrono::seconds(10)));
  ASSERT_OK(set.value().remove(soon()));
}

TEST_F(CgroupSetTest, removal_waits_for_the_last_process_and_names_it_when_time_is_up) {
  Result<CgroupSet> set = create({}, request());
  ASSERT_OK(set);
  Child child = sleeper();
  ASSERT_OK(set.value().add(child.pid()));
  const Result<void> removed =
      set.value().remove(std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
  ASSERT_FALSE(removed.ok());
  EXPECT_EQ(removed.error().kind(), ErrorKind::timeout);
  EXPECT_THAT(removed.error().message(), ::testing::HasSubstr(cat("process ", child.pid())));
  ASSERT_OK(child.signal(SIGKILL));
  ASSERT_OK(set.value().remove(soon()));
}

TEST_F(CgroupSetTest, cgroup_with_processes_is_not_taken_over) {
  Result<CgroupSet> set = create({}, request());
  ASSERT_OK(set);
  const Child child = sleeper();
  ASSERT_OK(set.value().add(child.pid()));
  const Result<CgroupSet> second = create({}, request());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind(), ErrorKind::busy);
  ASSERT_OK(set.value().kill());
  ASSERT_OK(set.value().remove(soon()));
}

TEST_F(CgroupSetTest, failing_limit_names_its_file_and_leaves_nothing) {
  const Result<CgroupSet> set =
      create({.hugepages = {{.page_size = "3MB", .limit = 1}}}, request());
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().kind(), ErrorKind::unsupported) << set.error().message();
  EXPECT_THAT(set.error().message(), ::testing::HasSubstr("hugetlb"));
}

TEST_F(CgroupSetTest, memory_limit_kills_and_tells) {
  Result<CgroupSet> set = create({.memory = {.limit = 16 << 20, .swap = 16 << 20}}, request());
  ASSERT_OK(set);
  Result<cgroup::OomWatch> watch = cgroup::OomWatch::start(*set.value().find("memory"));
  ASSERT_OK(watch);
  // tail keeps the endless line that it reads in memory.
  Waiting script("exec tail /dev/zero");
  ASSERT_OK(set.value().add(script.pid()));
  script.go();
  EXPECT_EQ(script.end(), process::End(process::Signalled{SIGKILL}));
  std::uint64_t kills = 0;
  while (kills == 0) {
    pollfd ready = {.fd = watch.value().fd().get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&ready, 1, 10000), 1) << "no event came";
    kills = watch.value().take().value();
  }
  const Result<Stats> stats = read_stats(set.value());
  ASSERT_OK(stats);
  EXPECT_GE(stats.value().memory->oom_kills.value_or(0), 1U);
  // v1 counts failures on some kernels only.
  if (!is_v1("memory")) {
    EXPECT_GT(stats.value().memory->memory.failures, 0U);
  }
  EXPECT_EQ(stats.value().memory->memory.limit, 16U << 20);
  ASSERT_OK(set.value().remove(soon()));
}

TEST_F(CgroupSetTest, forking_stops_at_the_pids_limit) {
  Result<CgroupSet> set = create({.pids_limit = 3}, request());
  ASSERT_OK(set);
  Waiting script("for i in 1 2 3 4 5; do sleep 1000 & done; wait");
  ASSERT_OK(set.value().add(script.pid()));
  script.go();
  const auto deadline = soon();
  const cgroup::Cgroup* pids = set.value().find("pids");
  ASSERT_NE(pids, nullptr);
  while (pids->read_number("pids.events", "max").value() == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the limit was not met";
    ::poll(nullptr, 0, 5);
  }
  EXPECT_LE(read_stats(set.value()).value().pids->current, 3U);
  EXPECT_EQ(read_stats(set.value()).value().pids->limit, 3U);
  ASSERT_OK(set.value().kill());
  script.end();
  ASSERT_OK(set.value().remove(soon()));
}

TEST_F(CgroupSetTest, processor_quota_throttles) {
  Result<CgroupSet> set = create({.cpu = {.quota = 10000, .period = 100000}}, request());
  ASSERT_OK(set);
  Waiting script("while :; do :; done");
  ASSERT_OK(set.value().add(script.pid()));
  script.go();
  const auto deadline = soon();
  while (read_stats(set.value()).value().cpu->throttled_periods < 3) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "it was not throttled";
    ::poll(nullptr, 0, 50);
  }
  EXPECT_GT(read_stats(set.value()).value().cpu->throttled_time, 0U);
  ASSERT_OK(set.value().kill());
  script.end();
  ASSERT_OK(set.value().remove(soon()));
}

// A disk that may be read as a whole: "vda", "sda".
std::optional<std::string> any_disk() {
  const Result<Fd> block = file::open("/sys/block", O_RDONLY | O_DIRECTORY);
  if (!block.ok()) return std::nullopt;
  const std::vector<std::string> names = file::list(block.value()).value();
  for (const std::string& name : names) {
    const bool is_disk = name.starts_with("vd") || name.starts_with("sd");
    if (is_disk && file::open(cat("/dev/", name), O_RDONLY | O_DIRECT).ok()) return name;
  }
  return std::nullopt;
}

TEST_F(CgroupSetTest, reading_a_disk_keeps_to_its_rate) {
  const std::optional<std::string> disk = any_disk();
  if (!disk) GTEST_SKIP() << "needs a disk that may be read";
  const struct stat node = file::stat_at(FdRef::cwd(), cat("/dev/", *disk)).value();
  Resources resources;
  resources.block.read_bytes = {
      {.major = major(node.st_rdev), .minor = minor(node.st_rdev), .rate = 1 << 20}};
  // The disk itself is none of the devices that every container may open.
  Request asked = request();
  asked.devices = DeviceControl::skipped;
  Result<CgroupSet> set = create(resources, asked);
  ASSERT_OK(set);
  Waiting script(cat("exec dd if=/dev/", *disk, " of=/dev/null bs=64k count=24 iflag=direct"));
  ASSERT_OK(set.value().add(script.pid()));
  const auto begin = std::chrono::steady_clock::now();
  script.go();
  EXPECT_EQ(script.end(), process::End(process::Exited{0}));
  // 1.5 MiB at 1 MiB a second; the first part of a second's worth goes through at once.
  EXPECT_GT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(800));
  std::uint64_t bytes = 0;
  const Result<Stats> stats = read_stats(set.value());
  ASSERT_OK(stats);
  for (const BlockCount& count : stats.value().block->bytes) {
    if (count.operation == BlockOperation::read) bytes += count.value;
  }
  EXPECT_GE(bytes, 24U * 65536);
  ASSERT_OK(set.value().remove(soon()));
}

TEST_F(CgroupSetTest, devices_are_restricted_by_list_and_by_program) {
  for (const Hierarchies hierarchies : {Hierarchies::all, Hierarchies::asked_for}) {
    Request asked = request();
    asked.hierarchies = hierarchies;
    Result<CgroupSet> set = create({}, asked);
    ASSERT_OK(set);
    const Result<file::TempDir> scratch = file::TempDir::create("/dev/shm", "proa-test-");
    ASSERT_OK(scratch);
    // 1:11 is the kernel's log.
    const std::string node = cat(scratch.value().path(), "/n");
    Waiting script(cat("true </dev/null || exit 2; mknod ", node, " c 1 11 || exit 3; ", "true <",
                       node, " && exit 4; exit 0"));
    ASSERT_OK(set.value().add(script.pid()));
    script.go();
    EXPECT_EQ(script.end(), process::End(process::Exited{0}));
    ASSERT_OK(set.value().remove(soon()));
  }
}

TEST_F(CgroupSetTest, device_program_is_replaced_by_an_update) {
  if (layout_.unified() == nullptr) GTEST_SKIP() << "needs a cgroup v2 hierarchy";
  Request asked = request();
  asked.hierarchies = Hierarchies::asked_for;
  Result<CgroupSet> set = create({}, asked);
  ASSERT_OK(set);
  asked.purpose = Purpose::update;
  const oci::runtime::DeviceRule everything{.allow = true,
                                            .access = {.read = true, .write = true, .mknod = true}};
  for (int round = 0; round < 2; ++round) {
    const Plan plan = make_plan(layout_, {.devices = {everything}}, asked).take();
    ASSERT_OK(set.value().update(plan, warnings_));
  }
  Waiting script("true </dev/kmsg");
  ASSERT_OK(set.value().add(script.pid()));
  script.go();
  EXPECT_EQ(script.end(), process::End(process::Exited{0}));
  ASSERT_OK(set.value().remove(soon()));
}

TEST_F(CgroupSetTest, statistics_count_what_was_used) {
  Result<CgroupSet> set = create({}, request());
  ASSERT_OK(set);
  Waiting script("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done");
  ASSERT_OK(set.value().add(script.pid()));
  EXPECT_EQ(read_stats(set.value()).value().pids->current, 1U);
  script.go();
  EXPECT_EQ(script.end(), process::End(process::Exited{0}));
  const Result<Stats> stats = read_stats(set.value());
  ASSERT_OK(stats);
  EXPECT_GT(stats.value().cpu->total, 1'000'000U);
  EXPECT_FALSE(stats.value().memory->raw.empty());
  EXPECT_EQ(stats.value().memory->memory.limit, std::nullopt);
  EXPECT_EQ(stats.value().pids->current, 0U);
  ASSERT_OK(set.value().remove(soon()));
}

}  // namespace
}  // namespace proa::container::limits
