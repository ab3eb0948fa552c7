// Whole machines on the host's KVM, with the guest of tests/guests/.
#include "vmm/machine/machine_fixture.h"

#include "tests/fixtures/leak_check.h"
#include "tests/fixtures/require.h"

namespace proa::vmm {
namespace {

using fixture::Screen;

class MachineTest : public fixtures::LeakCheckedTest, protected fixture::Machines {
 protected:
  void SetUp() override {
    REQUIRE(kvm);
    LeakCheckedTest::SetUp();
  }
};

TEST_F(MachineTest, a_guest_that_prints_and_powers_off_is_seen_and_reported) {
  Screen screen;
  const auto machine = boot(screen, "hello");
  EXPECT_EQ(wait_for_end(*machine), StopKind::poweroff);
  EXPECT_EQ(screen.text(), "hello\n");
  EXPECT_EQ(machine->stats().exits.port_out, 7U);
  EXPECT_GT(machine->stats().resident_memory, 0U);
}

TEST_F(MachineTest, reboot_panic_and_triple_fault_are_reported_for_what_they_are) {
  EXPECT_EQ(end_of("reboot"), StopKind::reboot);
  EXPECT_EQ(end_of("panic"), StopKind::panic);
  EXPECT_EQ(end_of("triple fault"), StopKind::triple_fault);
}

TEST_F(MachineTest, where_no_device_is_a_guest_reads_ones) {
  Screen screen;
  EXPECT_EQ(wait_for_end(*boot(screen, "nothing")), StopKind::poweroff);
  EXPECT_EQ(screen.text(), "ones\n");
}

TEST_F(MachineTest, timer_interrupts_arrive) {
  Screen screen;
  EXPECT_EQ(wait_for_end(*boot(screen, "interrupts")), StopKind::poweroff);
  EXPECT_EQ(screen.text(), "12345");
}

TEST_F(MachineTest, serial_input_arrives_by_interrupt) {
  Screen screen;
  const auto machine = boot(screen, "echo");
  ASSERT_TRUE(screen.wait_for("ready\n"));
  machine->serial().receive("abc");
  ASSERT_TRUE(screen.wait_for("abc"));
  machine->serial().receive("q");
  EXPECT_EQ(wait_for_end(*machine), StopKind::poweroff);
}

TEST_F(MachineTest, a_second_vcpu_starts_when_the_first_one_starts_it) {
  Screen screen;
  const auto machine = boot(screen, "2", 2);
  EXPECT_TRUE(screen.wait_for("2"));
  machine->kill();
  EXPECT_EQ(wait_for_end(*machine), StopKind::killed);
}

TEST_F(MachineTest, sixty_four_vcpus_are_made_pause_and_end) {
  Screen screen;
  const auto machine = boot(screen, "count", 64);
  ASSERT_TRUE(screen.wait_for("9\n"));
  machine->pause();
  machine->resume();
  machine->kill();
  EXPECT_EQ(wait_for_end(*machine), StopKind::killed);
}

TEST_F(MachineTest, a_paused_guest_stands_still_and_goes_on_where_it_was) {
  Screen screen;
  const auto machine = boot(screen, "count");
  ASSERT_TRUE(screen.wait_for("20\n"));
  machine->pause();
  const std::string before = screen.text();
  const std::uint64_t exits = machine->stats().exits.total();
  EXPECT_EQ(machine->stats().exits.total(), exits);
  EXPECT_EQ(screen.text(), before);
  machine->resume();
  EXPECT_TRUE(screen.wait_for("200\n201\n202\n"));
}

TEST_F(MachineTest, pausing_many_times_loses_no_instruction) {
  Screen screen;
  const auto machine = boot(screen, "count", 4);
  for (int i = 0; i < 200; ++i) {
    machine->pause();
    machine->resume();
  }
  ASSERT_TRUE(screen.wait_for("\n300\n"));
  machine->pause();
  std::string expected;
  for (int number = 0; number <= 300; ++number) expected += std::to_string(number) + "\n";
  EXPECT_TRUE(screen.text().starts_with(expected));
}

TEST_F(MachineTest, a_snapshot_goes_on_in_another_machine_as_often_as_wanted) {
  const Fd state(::memfd_create("state", MFD_CLOEXEC));
  const Fd memory(::memfd_create("memory", MFD_CLOEXEC));
  std::string before;
  {
    Screen screen;
    const auto machine = boot(screen, "count");
    ASSERT_TRUE(screen.wait_for("\n50\n"));
    machine->pause();
    before = screen.text();
    ASSERT_OK(snapshot::save(*machine, state, memory));
  }
  std::string expected;
  for (int number = 0; number <= 400; ++number) expected += std::to_string(number) + "\n";
  for (int restored = 0; restored < 2; ++restored) {
    Screen screen;
    auto machine = restore(screen, state, memory);
    ASSERT_OK(machine);
    ASSERT_TRUE(screen.wait_for("\n400\n"));
    machine.value()->pause();
    EXPECT_TRUE((before + screen.text()).starts_with(expected));
  }
  struct stat status = {};
  ASSERT_EQ(::fstat(memory.get(), &status), 0);
  EXPECT_EQ(static_cast<std::uint64_t>(status.st_size), 16 * kMiB);
  EXPECT_LT(status.st_blocks * 512, 64 * 1024);
}

TEST_F(MachineTest, a_snapshot_that_was_cut_off_is_refused) {
  const Fd state(::memfd_create("state", MFD_CLOEXEC));
  const Fd memory(::memfd_create("memory", MFD_CLOEXEC));
  {
    Screen screen;
    const auto machine = boot(screen, "count");
    machine->pause();
    ASSERT_OK(snapshot::save(*machine, state, memory));
  }
  struct stat status = {};
  ASSERT_EQ(::fstat(state.get(), &status), 0);
  ASSERT_EQ(::ftruncate(state.get(), status.st_size - 1), 0);
  Screen screen;
  const auto machine = restore(screen, state, memory);
  ASSERT_FALSE(machine.ok());
  EXPECT_EQ(machine.error().kind(), ErrorKind::corrupt);
}

}  // namespace
}  // namespace proa::vmm
