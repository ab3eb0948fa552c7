#include "hull/heavy/monitor_plan.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "base/json.h"
#include "base/json_fields.h"
#include "base/number.h"
#include "kernel/file/file.h"
#include "kernel/file/temp_dir.h"
#include "tests/fixtures/require.h"
#include "vmm/machine/spec.h"

namespace proa::hull {
namespace {

class MonitorPlanTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.emplace(file::TempDir::create("/tmp", "proa-test-").take());
    spec_.memory = std::uint64_t{64} << 20;
    spec_.kernel = make_file("kernel", 10);
    spec_.initramfs = make_file("initramfs", 10);
    spec_.agent = file::open("/dev/null", O_RDWR).take();
  }

  std::string make_file(const std::string& name, std::uint64_t size) {
    std::string path = cat(folder_->path(), "/", name);
    const Fd file = file::open(path, O_WRONLY | O_CREAT, 0600).take();
    EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
    return path;
  }

  // The configuration that the monitor would read, by the descriptor it is told.
  vmm::MachineSpec configuration(const MonitorPlan& plan) {
    const std::string& word = plan.arguments.back();
    const auto number = parse_number<std::size_t>(std::string_view(word).substr(3)).take();
    const std::string text = file::read_all(plan.descriptors.at(number - 3)).take();
    const json::Value document = json::parse(text, "configuration").take();
    vmm::MachineSpec machine;
    EXPECT_OK(json::from_json(json::Reader(document, "configuration"), machine));
    EXPECT_OK(vmm::check(machine));
    return machine;
  }
  MonitorPlan plan() {
    return plan_monitor(spec_, "/proa-vmm", file::open("/dev/null", O_RDWR).take()).take();
  }

  std::optional<file::TempDir> folder_;
  VmSpec spec_;
};

TEST_F(MonitorPlanTest, few_layers_are_mapped_and_many_are_one_disk) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{8}, std::size_t{9}}) {
    spec_.layers.clear();
    spec_.agent = file::open("/dev/null", O_RDWR).take();
    for (std::size_t i = 0; i < count; ++i) {
      spec_.layers.push_back(make_file(cat("layer", i), std::uint64_t{2} << 20));
    }
    const MonitorPlan made = plan();
    const vmm::MachineSpec machine = configuration(made);
    ASSERT_EQ(made.layer_places.size(), count);
    if (count <= 8) {
      EXPECT_EQ(machine.devices.pmem.size(), count);
      EXPECT_EQ(made.layer_places.back().device, cat("pmem", count - 1));
      EXPECT_EQ(made.layer_places.back().length, 0U);
      EXPECT_TRUE(machine.devices.disks.empty());
    } else {
      ASSERT_EQ(machine.devices.disks.size(), 1U);
      EXPECT_EQ(machine.devices.disks[0].extents.size(), count);
      EXPECT_TRUE(machine.devices.disks[0].read_only);
      EXPECT_EQ(made.layer_places.back().device, kLayersSerial);
      EXPECT_EQ(made.layer_places.back().offset, (count - 1) * (std::uint64_t{2} << 20));
    }
  }
}

TEST_F(MonitorPlanTest, a_layer_that_cannot_be_mapped_goes_on_the_disk_and_an_odd_one_is_refused) {
  spec_.layers = {make_file("small", 4096)};
  EXPECT_EQ(configuration(plan()).devices.disks.size(), 1U);
  spec_.layers = {make_file("odd", 4000)};
  EXPECT_EQ(plan_monitor(spec_, "/proa-vmm", Fd()).error().kind(), ErrorKind::invalid_argument);
}

TEST_F(MonitorPlanTest, shares_make_the_memory_shared_and_every_descriptor_is_named_once) {
  spec_.shares = file::open("/dev/null", O_RDWR).take();
  spec_.nics.push_back({file::open("/dev/null", O_RDWR).take(), "02:00:00:00:00:01"});
  spec_.disk = make_file("disk", 4096);
  const MonitorPlan made = plan();
  const vmm::MachineSpec machine = configuration(made);
  EXPECT_TRUE(machine.shared_memory);
  EXPECT_EQ(machine.devices.ports.at(0).name, kAgentPort);
  EXPECT_EQ(machine.devices.disks.at(0).id, kDiskSerial);
  std::set<std::string> names = {machine.kernel,
                                 machine.initrd,
                                 machine.devices.disks.at(0).extents.at(0).file,
                                 machine.devices.networks.at(0).tap,
                                 machine.devices.ports.at(0).stream,
                                 machine.devices.shares.at(0).socket,
                                 made.arguments.at(3),
                                 made.arguments.back()};
  EXPECT_EQ(names.size(), made.descriptors.size());
}

}  // namespace
}  // namespace proa::hull
