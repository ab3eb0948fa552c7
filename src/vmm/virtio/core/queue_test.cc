#include "vmm/virtio/core/queue.h"

#include "tests/fixtures/require.h"
#include "vmm/virtio/core/fixture.h"

namespace proa::vmm::virtio {
namespace {

using fixture::Direction;
using fixture::DriverQueue;
using fixture::Used;

class QueueTest : public ::testing::Test {
 protected:
  Queue make(std::uint64_t features = kFeatureIndirect) {
    return Queue::create(memory_, driver_.layout(), features).take();
  }
  // The next pop must be refused as the guest's fault.
  void expect_fault(Queue& queue, std::string_view part) {
    const Result<bool> popped = queue.pop(chain_);
    ASSERT_FALSE(popped.ok());
    EXPECT_EQ(popped.error().kind(), ErrorKind::guest_fault);
    EXPECT_NE(popped.error().message().find(part), std::string::npos) << popped.error().message();
  }

  GuestMemory memory_ = fixture::make_memory();
  DriverQueue driver_{memory_, GuestAddr{0x10000}, 8};
  Chain chain_;
};

TEST_F(QueueTest, popping_when_nothing_is_offered_gives_nothing) {
  Queue queue = make();
  const Result<bool> popped = queue.pop(chain_);
  ASSERT_OK(popped);
  EXPECT_FALSE(popped.value());
}

TEST_F(QueueTest, popping_when_a_chain_is_offered_splits_it_by_direction) {
  Queue queue = make();
  const std::uint16_t head = driver_.add({{{0x1000}, 16},
                                          {{0x2000}, 100, Direction::from_device},
                                          {{0x3000}, 1, Direction::from_device}});
  ASSERT_TRUE(queue.pop(chain_).take());
  EXPECT_EQ(chain_.head, head);
  ASSERT_EQ(chain_.readable.size(), 1U);
  ASSERT_EQ(chain_.writable.size(), 2U);
  EXPECT_EQ(chain_.readable_length, 16U);
  EXPECT_EQ(chain_.writable_length, 101U);
  EXPECT_EQ(chain_.writable[1].address, GuestAddr{0x3000});
}

TEST_F(QueueTest, pushing_when_not_flushed_stays_invisible) {
  Queue queue = make();
  const std::uint16_t head = driver_.add({{{0x1000}, 16, Direction::from_device}});
  ASSERT_TRUE(queue.pop(chain_).take());
  ASSERT_OK(queue.push(head, 7));
  EXPECT_FALSE(driver_.take_used().has_value());
  EXPECT_TRUE(queue.flush().take());
  EXPECT_EQ(driver_.take_used(), (Used{head, 7}));
  EXPECT_FALSE(queue.flush().take()) << "nothing new to tell";
}

TEST_F(QueueTest, running_when_indexes_wrap_goes_on) {
  Queue queue = make();
  for (int round = 0; round < 70'000; ++round) {
    const std::uint16_t head = driver_.add({{{0x1000}, 4}});
    ASSERT_TRUE(queue.pop(chain_).take()) << round;
    ASSERT_OK(queue.push(chain_.head, 0));
    ASSERT_OK(queue.flush());
    ASSERT_EQ(driver_.take_used(), (Used{head, 0})) << round;
  }
}

TEST_F(QueueTest, popping_when_the_chain_loops_is_a_fault) {
  Queue queue = make();
  driver_.set_descriptor(0, 0x1000, 4, 1, 1);
  driver_.set_descriptor(1, 0x1000, 4, 1, 0);
  driver_.offer(0);
  expect_fault(queue, "loop");
}

TEST_F(QueueTest, popping_when_an_index_is_out_of_range_is_a_fault) {
  Queue queue = make();
  driver_.offer(8);
  expect_fault(queue, "descriptor 8");
}

TEST_F(QueueTest, popping_when_next_is_out_of_range_is_a_fault) {
  Queue queue = make();
  driver_.set_descriptor(0, 0x1000, 4, 1, 9);
  driver_.offer(0);
  expect_fault(queue, "descriptor 9");
}

TEST_F(QueueTest, popping_when_more_is_offered_than_fits_is_a_fault) {
  Queue queue = make();
  driver_.set_available_index(9);
  expect_fault(queue, "9 chains");
}

TEST_F(QueueTest, popping_when_readable_follows_writable_is_a_fault) {
  Queue queue = make();
  driver_.add({{{0x1000}, 4, Direction::from_device}, {{0x2000}, 4}});
  expect_fault(queue, "follows");
}

TEST_F(QueueTest, popping_when_indirect_reads_the_table) {
  Queue queue = make();
  driver_.set_descriptor_at(GuestAddr{0x5000}, 0x1000, 4, 1, 1);
  driver_.set_descriptor_at(GuestAddr{0x5010}, 0x2000, 8, 2, 0);
  driver_.set_descriptor(3, 0x5000, 32, 4, 0);
  driver_.offer(3);
  ASSERT_TRUE(queue.pop(chain_).take());
  EXPECT_EQ(chain_.head, 3U);
  EXPECT_EQ(chain_.readable_length, 4U);
  EXPECT_EQ(chain_.writable_length, 8U);
}

TEST_F(QueueTest, popping_when_indirect_was_not_negotiated_is_a_fault) {
  Queue queue = make(0);
  driver_.set_descriptor(0, 0x5000, 32, 4, 0);
  driver_.offer(0);
  expect_fault(queue, "not agreed");
}

TEST_F(QueueTest, popping_when_indirect_is_nested_is_a_fault) {
  Queue queue = make();
  driver_.set_descriptor_at(GuestAddr{0x5000}, 0x6000, 16, 4, 0);
  driver_.set_descriptor(0, 0x5000, 16, 4, 0);
  driver_.offer(0);
  expect_fault(queue, "inside another");
}

TEST_F(QueueTest, popping_when_the_table_is_odd_or_outside_is_a_fault) {
  for (const auto& [address, length] : {std::pair<std::uint64_t, std::uint32_t>{0x5000, 17},
                                        {0x5000, 0},
                                        {0x5000, 0xffff'fff0},
                                        {0xffff'ffff'ffff'fff0, 32}}) {
    DriverQueue driver(memory_, GuestAddr{0x20000}, 8);
    Queue queue = Queue::create(memory_, driver.layout(), kFeatureIndirect).take();
    driver.set_descriptor(0, address, length, 4, 0);
    driver.offer(0);
    expect_fault(queue, "");
  }
}

TEST_F(QueueTest, creating_when_the_layout_is_wrong_is_refused) {
  const QueueLayout good = driver_.layout();
  QueueLayout odd_size = good;
  odd_size.size = 7;
  QueueLayout empty = good;
  empty.size = 0;
  QueueLayout unaligned = good;
  unaligned.descriptors.value += 8;
  QueueLayout outside = good;
  outside.device_area.value = 4 * kMiB - 8;
  QueueLayout wrapping = good;
  wrapping.driver_area.value = ~std::uint64_t{1};
  for (const QueueLayout& layout : {odd_size, empty, unaligned, outside, wrapping}) {
    const Result<Queue> queue = Queue::create(memory_, layout, 0);
    ASSERT_FALSE(queue.ok());
    EXPECT_EQ(queue.error().kind(), ErrorKind::guest_fault);
  }
}

TEST_F(QueueTest, flushing_when_interrupts_are_off_asks_for_none) {
  Queue queue = make(0);
  driver_.set_driver_flags(1);
  driver_.add({{{0x1000}, 4}});
  ASSERT_TRUE(queue.pop(chain_).take());
  ASSERT_OK(queue.push(chain_.head, 0));
  EXPECT_FALSE(queue.flush().take());
}

TEST_F(QueueTest, flushing_when_event_indexed_interrupts_only_past_the_event) {
  Queue queue = make(kFeatureEventIndex);
  driver_.set_used_event(2);
  std::vector<bool> interrupts;
  for (int i = 0; i < 5; ++i) {
    driver_.add({{{0x1000}, 4}});
    ASSERT_TRUE(queue.pop(chain_).take());
    ASSERT_OK(queue.push(chain_.head, 0));
    interrupts.push_back(queue.flush().take());
  }
  // The first is a courtesy: the device cannot know what the driver saw before.
  EXPECT_EQ(interrupts, (std::vector<bool>{true, false, true, false, false}));
}

TEST_F(QueueTest, suppressing_kicks_when_event_indexed_moves_the_event) {
  Queue queue = make(kFeatureEventIndex);
  driver_.add({{{0x1000}, 4}});
  ASSERT_TRUE(queue.pop(chain_).take());
  EXPECT_FALSE(queue.enable_kicks().take());
  EXPECT_EQ(driver_.available_event(), 1U);
  EXPECT_EQ(driver_.device_flags(), 0U);
}

TEST_F(QueueTest, enabling_kicks_when_a_chain_came_meanwhile_says_so) {
  Queue queue = make(0);
  ASSERT_OK(queue.disable_kicks());
  EXPECT_EQ(driver_.device_flags(), 1U);
  driver_.add({{{0x1000}, 4}});
  EXPECT_TRUE(queue.enable_kicks().take());
  EXPECT_EQ(driver_.device_flags(), 0U);
}

TEST_F(QueueTest, restoring_when_saved_half_way_goes_on_there) {
  Queue queue = make();
  const std::uint16_t first = driver_.add({{{0x1000}, 4}});
  const std::uint16_t second = driver_.add({{{0x2000}, 4}});
  ASSERT_TRUE(queue.pop(chain_).take());
  ASSERT_OK(queue.push(chain_.head, 0));
  ASSERT_OK(queue.flush());
  StateWriter writer;
  writer.section("queue", 1);
  queue.save(writer);
  const std::string state = writer.finish();

  Queue other = make();
  StateReader reader(state);
  ASSERT_OK(reader.section("queue", 1));
  ASSERT_OK(other.restore(reader));
  ASSERT_TRUE(other.pop(chain_).take());
  EXPECT_EQ(chain_.head, second);
  ASSERT_OK(other.push(chain_.head, 0));
  ASSERT_OK(other.flush());
  EXPECT_EQ(driver_.take_used()->head, first);
  EXPECT_EQ(driver_.take_used()->head, second);
}

TEST_F(QueueTest, unpopping_gives_the_same_chain_again) {
  Queue queue = make();
  const std::uint16_t head = driver_.add({{{0x1000}, 4}});
  ASSERT_TRUE(queue.pop(chain_).take());
  queue.unpop();
  ASSERT_TRUE(queue.pop(chain_).take());
  EXPECT_EQ(chain_.head, head);
}

TEST_F(QueueTest, walking_a_cursor_over_empty_and_split_buffers_copies_in_order) {
  ASSERT_OK(memory_.write(GuestAddr{0x1000}, bytes_of("abc")));
  ASSERT_OK(memory_.write(GuestAddr{0x2000}, bytes_of("defg")));
  const std::vector<Segment> segments = {
      {{0x9000}, 0}, {{0x1000}, 3}, {{0x9000}, 0}, {{0x2000}, 4}};
  Cursor cursor(segments, 7);
  std::string text(5, '\0');
  ASSERT_OK(cursor.read(memory_, std::as_writable_bytes(std::span(text))));
  EXPECT_EQ(text, "abcde");
  std::vector<iovec> buffers;
  ASSERT_OK(cursor.gather(memory_, 2, buffers));
  ASSERT_EQ(buffers.size(), 1U);
  EXPECT_EQ(std::string_view(static_cast<const char*>(buffers[0].iov_base), 2), "fg");
  EXPECT_FALSE(cursor.skip(1).ok());
}

}  // namespace
}  // namespace proa::vmm::virtio
