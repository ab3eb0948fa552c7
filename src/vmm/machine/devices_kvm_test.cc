// Virtio devices in whole machines on the host's KVM, driven by the guest of tests/guests/: found
// on the bus, kicked through ioeventfds, answering through MSI-X or an IOAPIC pin.
#include "kernel/socket/unix_stream.h"
#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"
#include "vmm/machine/machine_fixture.h"

namespace proa::vmm {
namespace {

using fixture::Screen;

// A file in memory whose name is a descriptor.
class Scratch {
 public:
  explicit Scratch(std::uint64_t size) : file_(::memfd_create("scratch", MFD_CLOEXEC)) {
    EXPECT_EQ(::ftruncate(file_.get(), static_cast<off_t>(size)), 0);
  }
  // The machine closes the number it is given.
  std::string name() const { return cat("fd:", ::fcntl(file_.get(), F_DUPFD_CLOEXEC, 3)); }
  FdRef file() const { return file_; }
  void write(std::uint64_t offset, std::string_view text) const {
    EXPECT_OK(file::write_all_at(file_, bytes_of(text), offset));
  }
  std::string read(std::uint64_t offset, std::size_t length) const {
    std::string text(length, '\0');
    EXPECT_OK(file::read_exact_at(file_, std::as_writable_bytes(std::span(text)), offset));
    return text;
  }

 private:
  Fd file_;
};

DeviceSpecs with_disk(const Scratch& scratch) {
  return {.disks = {{.id = "disk", .extents = {{.file = scratch.name()}}}}};
}

class DevicesTest : public fixtures::LeakCheckedTest, protected fixture::Machines {
 protected:
  void SetUp() override {
    REQUIRE(kvm);
    LeakCheckedTest::SetUp();
  }

  // Runs one command to its end and gives what it printed.
  static std::string output_of(const std::string& command, const DeviceSpecs& devices) {
    Screen screen;
    const auto machine = boot(screen, command, 1, devices);
    EXPECT_EQ(wait_for_end(*machine), StopKind::poweroff) << screen.text();
    return screen.text();
  }
};

TEST_F(DevicesTest, rng_fills_a_buffer_over_pci_and_mmio) {
  EXPECT_EQ(output_of("drp", {.rng = true}), "16 random bytes\n");
  EXPECT_EQ(output_of("drm", {.virtio_mmio = true, .rng = true}), "16 random bytes\n");
}

TEST_F(DevicesTest, block_reads_writes_and_flushes_over_pci_and_mmio) {
  for (const bool mmio : {false, true}) {
    const Scratch scratch(1 << 20);
    scratch.write(0, "first of sectors");
    DeviceSpecs devices = with_disk(scratch);
    devices.virtio_mmio = mmio;
    EXPECT_EQ(output_of(mmio ? "dbm" : "dbp", devices), "2048 sectors 0first of sectors002\n");
    EXPECT_EQ(scratch.read(512, 20), "written by the guest");
  }
}

TEST_F(DevicesTest, a_disk_of_several_files_is_one_and_read_only) {
  const Scratch first(512);
  const Scratch second(1024);
  first.write(0, "in the first one");
  second.write(512, "untouched");
  const DeviceSpecs devices = {
      .disks = {{.extents = {{.file = first.name()}, {.file = second.name()}}, .read_only = true}}};
  EXPECT_EQ(output_of("dbp", devices), "3 sectors 0in the first one102\n");
  EXPECT_EQ(second.read(512, 9), "untouched");
}

TEST_F(DevicesTest, a_request_costs_one_kick_and_no_exit) {
  const Scratch scratch(1 << 20);
  Screen screen;
  const auto machine = boot(screen, "dbp", 1, with_disk(scratch));
  ASSERT_EQ(wait_for_end(*machine), StopKind::poweroff);
  const ExitCounts exits = machine->stats().exits;
  EXPECT_EQ(exits.port_out, screen.text().size() + 1) << "the serial port and the power register";
  EXPECT_EQ(exits.end_of_interrupt, 0U);
}

// A port whose host's end a test holds.
struct Line {
  Line() {
    socket::Pair pair = socket::stream_pair(socket::Blocking::yes).take();
    host = std::move(pair.first);
    guest_name = cat("fd:", pair.second.release());
  }
  std::string hear(std::size_t length) const {
    std::string text(length, '\0');
    std::size_t have = 0;
    while (have < length) {
      pollfd waiting = {host.get(), POLLIN, 0};
      if (::poll(&waiting, 1, 20'000) != 1) break;
      const ssize_t count = ::read(host.get(), text.data() + have, length - have);
      if (count <= 0) break;
      have += static_cast<std::size_t>(count);
    }
    text.resize(have);
    return text;
  }
  void say(std::string_view text) const { EXPECT_OK(socket::send(host, text, {})); }
  Fd host;
  std::string guest_name;
};

TEST_F(DevicesTest, a_console_port_carries_bytes_both_ways_over_pci_and_mmio) {
  for (const bool mmio : {false, true}) {
    const Line line;
    Screen screen;
    const auto machine =
        boot(screen, mmio ? "dcm" : "dcp", 1,
             {.virtio_mmio = mmio, .ports = {{.name = "console", .stream = line.guest_name}}});
    EXPECT_EQ(line.hear(11), "port ready\n");
    line.say("echo this");
    EXPECT_EQ(line.hear(9), "echo this");
    line.say("q");
    EXPECT_EQ(wait_for_end(*machine), StopKind::poweroff);
  }
}

TEST_F(DevicesTest, pmem_is_where_the_device_says_and_flushes) {
  const Scratch file(3 << 20);
  const DeviceSpecs devices = {.pmem = {{.file = file.name()}}};
  EXPECT_EQ(output_of("dmp", devices), "1 * 4 GiB, 4 MiB, flush 0\n");
}

TEST_F(DevicesTest, a_balloon_gives_memory_back_to_the_host) {
  Screen screen;
  const auto machine = boot(screen, "dap", 1, {.balloon = true});
  ASSERT_TRUE(screen.wait_for("ready\n"));
  ASSERT_OK(machine->set_balloon(16 * kPageSize));
  EXPECT_EQ(wait_for_end(*machine), StopKind::poweroff);
  EXPECT_EQ(screen.text(), "ready\n16 pages, then 0\n");
  EXPECT_EQ(machine->stats().balloon, 16 * kPageSize);
  EXPECT_EQ(machine->set_balloon(1 << 30).error().kind(), ErrorKind::invalid_argument);
}

TEST_F(DevicesTest, shares_need_memory_that_can_be_shared) {
  const MachineSpec spec{.devices = {.shares = {{.tag = "t", .socket = "/nowhere"}}}};
  EXPECT_EQ(check(spec).error().kind(), ErrorKind::invalid_argument);
}

TEST_F(DevicesTest, a_snapshot_under_disk_load_goes_on_without_an_error) {
  constexpr std::uint32_t kSectors = 64;
  const Scratch scratch(512 * kSectors);
  for (std::uint32_t i = 0; i < kSectors; ++i) scratch.write(512 * i, text_of(bytes_of(Le32(i))));
  const Fd state(::memfd_create("state", MFD_CLOEXEC));
  const Fd memory(::memfd_create("memory", MFD_CLOEXEC));
  std::string before;
  {
    Screen screen;
    const auto machine = boot(screen, "dBp", 1, with_disk(scratch));
    for (int i = 0; i < 20; ++i) {
      machine->pause();
      machine->resume();
    }
    ASSERT_TRUE(screen.wait_for("\n40\n"));
    machine->pause();
    before = screen.text();
    ASSERT_OK(snapshot::save(*machine, state, memory));
  }
  for (int restored = 0; restored < 2; ++restored) {
    Screen screen;
    auto machine = restore(screen, state, memory, with_disk(scratch));
    ASSERT_OK(machine);
    ASSERT_TRUE(screen.wait_for("\n30\n31\n32\n")) << screen.text();
    machine.value()->pause();
    EXPECT_FALSE((before + screen.text()).contains("9999"));
  }
}

TEST_F(DevicesTest, a_snapshot_with_other_devices_is_refused) {
  const Scratch scratch(4096);
  const Fd state(::memfd_create("state", MFD_CLOEXEC));
  const Fd memory(::memfd_create("memory", MFD_CLOEXEC));
  {
    Screen screen;
    const auto machine = boot(screen, "count", 1, with_disk(scratch));
    machine->pause();
    ASSERT_OK(snapshot::save(*machine, state, memory));
  }
  Screen screen;
  const Scratch larger(8192);
  for (const DeviceSpecs& others : {DeviceSpecs{}, DeviceSpecs{.rng = true}, with_disk(larger)}) {
    const auto restored = restore(screen, state, memory, others);
    ASSERT_FALSE(restored.ok());
    EXPECT_EQ(restored.error().kind(), ErrorKind::corrupt) << restored.error().message();
  }
}

TEST_F(DevicesTest, what_a_spec_must_not_say_is_refused_by_name) {
  EXPECT_EQ(open({.disks = {{.id = "d"}}}).error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(open({.networks = {{.tap = "t0", .mac = "02:00"}}}).error().kind(),
            ErrorKind::invalid_argument);
  EXPECT_EQ(open({.disks = {{.extents = {{.file = "fd:1"}}}}}).error().kind(),
            ErrorKind::invalid_argument);
  DeviceSpecs many{.virtio_mmio = true};
  many.disks.resize(17);
  EXPECT_EQ(open(many).error().kind(), ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace proa::vmm
