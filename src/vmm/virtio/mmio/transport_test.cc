#include "vmm/virtio/mmio/transport.h"

#include "tests/fixtures/require.h"
#include "vmm/virtio/core/fixture.h"
#include "vmm/virtio/rng/device.h"

namespace proa::vmm::virtio::mmio {
namespace {

using fixture::Direction;
using fixture::DriverQueue;

class CountedLine final : public InterruptLine {
 public:
  void pulse() override {
    const std::lock_guard lock(mutex_);
    ++pulses_;
    changed_.notify_all();
  }
  void set_level(bool /*high*/) override {}
  // Waits, five seconds at most, until `done` holds; looks again after every pulse.
  template <typename Condition>
  bool wait(Condition done) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(5), done);
  }
  bool wait_pulse() {
    return wait([this] { return pulses_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int pulses_ = 0;
};

class MmioTransportTest : public ::testing::Test {
 protected:
  std::unique_ptr<MmioTransport> make() {
    auto controller = Controller::create(std::make_unique<rng::RngDevice>(), *worker_, memory_,
                                         {.on_fault = [](std::string_view, const Error&) {}});
    return std::make_unique<MmioTransport>(controller.take(), line_, GuestAddr{0xd000'0000});
  }
  static std::uint32_t get(MmioTransport& transport, std::uint64_t offset) {
    Le32 value;
    EXPECT_OK(transport.read(offset, std::as_writable_bytes(std::span<Le32, 1>(&value, 1))));
    return value;
  }
  static void put(MmioTransport& transport, std::uint64_t offset, std::uint32_t value) {
    EXPECT_OK(transport.write(offset, bytes_of(Le32(value))));
  }
  // What Linux does to the registers, in its order (virtio 1.2, 3.1.1 and 4.2.3).
  void start(MmioTransport& transport) {
    put(transport, 0x70, 0);
    put(transport, 0x70, 1);
    put(transport, 0x70, 3);
    put(transport, 0x24, 1);
    put(transport, 0x20, 1);
    put(transport, 0x70, 11);
    ASSERT_EQ(get(transport, 0x70), 11U);
    put(transport, 0x30, 0);
    put(transport, 0x38, 8);
    put(transport, 0x80, 0x10000);
    put(transport, 0x90, static_cast<std::uint32_t>(driver_.layout().driver_area.value));
    put(transport, 0xa0, static_cast<std::uint32_t>(driver_.layout().device_area.value));
    put(transport, 0x44, 1);
    put(transport, 0x70, 15);
  }

  GuestMemory memory_ = fixture::make_memory();
  std::unique_ptr<Worker> worker_ = Worker::start("device").take();
  CountedLine line_;
  DriverQueue driver_{memory_, GuestAddr{0x10000}, 8};
};

TEST_F(MmioTransportTest, probing_shows_a_modern_device) {
  const auto transport = make();
  EXPECT_EQ(get(*transport, 0x00), 0x74726976U);
  EXPECT_EQ(get(*transport, 0x04), 2U);
  EXPECT_EQ(get(*transport, 0x08), 4U);
  EXPECT_EQ(get(*transport, 0x34), 64U);
  put(*transport, 0x30, 1);
  EXPECT_EQ(get(*transport, 0x34), 0U) << "there is one queue";
  put(*transport, 0x14, 1);
  EXPECT_EQ(get(*transport, 0x10), 1U) << "VERSION_1";
  put(*transport, 0x14, 2);
  EXPECT_EQ(get(*transport, 0x10), 0U);
}

TEST_F(MmioTransportTest, kicking_through_the_register_serves_and_interrupts_until_acknowledged) {
  const auto transport = make();
  start(*transport);
  driver_.add({{{0x200000}, 32, Direction::from_device}});
  put(*transport, 0x50, 0);
  ASSERT_TRUE(line_.wait_pulse());
  EXPECT_EQ(get(*transport, 0x60), 1U);
  put(*transport, 0x64, 1);
  EXPECT_EQ(get(*transport, 0x60), 0U);
  EXPECT_EQ(driver_.take_used()->written, 32U);
}

TEST_F(MmioTransportTest, accepting_features_that_were_not_offered_is_refused) {
  const auto transport = make();
  put(*transport, 0x70, 3);
  put(*transport, 0x24, 0);
  put(*transport, 0x20, 1);
  put(*transport, 0x24, 1);
  put(*transport, 0x20, 1);
  put(*transport, 0x70, 11);
  EXPECT_EQ(get(*transport, 0x70), 3U);
  put(*transport, 0x70, 15);
  EXPECT_EQ(get(*transport, 0x70), 3U) << "no DRIVER_OK without FEATURES_OK";
}

TEST_F(MmioTransportTest, starting_with_a_queue_outside_memory_needs_a_reset) {
  const auto transport = make();
  driver_ = DriverQueue(memory_, GuestAddr{0x8000'0000}, 8);
  put(*transport, 0x84, 5);
  start(*transport);
  EXPECT_NE(get(*transport, 0x70) & 64U, 0U);
  EXPECT_EQ(get(*transport, 0x60) & 2U, 2U) << "told by a configuration interrupt";
}

TEST_F(MmioTransportTest, accessing_registers_in_pieces_reads_zero_and_changes_nothing) {
  const auto transport = make();
  Le16 half = 0;
  ASSERT_OK(transport->read(0, std::as_writable_bytes(std::span<Le16, 1>(&half, 1))));
  EXPECT_EQ(half.get(), 0U);
  ASSERT_OK(transport->write(0x70, bytes_of(Le16(3))));
  EXPECT_EQ(get(*transport, 0x70), 0U);
}

TEST_F(MmioTransportTest, restoring_into_a_new_transport_goes_on) {
  std::string state;
  {
    const auto transport = make();
    start(*transport);
    put(*transport, 0x24, 7);
    worker_->pause();
    ASSERT_OK(transport->controller().quiesce());
    StateWriter writer;
    ASSERT_OK(transport->save(writer));
    state = writer.finish();
    worker_->resume();
  }
  driver_.add({{{0x200000}, 32, Direction::from_device}});
  const auto transport = make();
  StateReader reader(state);
  ASSERT_OK(transport->restore(reader));
  ASSERT_OK(reader.finish());
  EXPECT_EQ(get(*transport, 0x70), 15U);
  // The first pulse may tell of the restoring alone.
  std::optional<fixture::Used> used;
  ASSERT_TRUE(line_.wait([&] {
    used = driver_.take_used();
    return used.has_value();
  }));
  EXPECT_EQ(used->written, 32U);
}

TEST_F(MmioTransportTest, restoring_when_any_byte_is_cut_off_is_corrupt) {
  const auto saved = make();
  start(*saved);
  StateWriter writer;
  ASSERT_OK(saved->save(writer));
  const std::string state = writer.finish();
  for (std::size_t length = 0; length < state.size(); ++length) {
    const auto transport = make();
    StateReader reader(std::string_view(state).substr(0, length));
    const Result<void> restored = transport->restore(reader);
    ASSERT_FALSE(restored.ok()) << length;
    ASSERT_EQ(restored.error().kind(), ErrorKind::corrupt) << restored.error().message();
  }
}

}  // namespace
}  // namespace proa::vmm::virtio::mmio
