#include "vmm/irqchip/ioapic.h"

#include <gtest/gtest.h>

#include "tests/fixtures/require.h"

namespace proa::vmm::irqchip {
namespace {

constexpr std::uint32_t kMasked = 1U << 16;
constexpr std::uint32_t kLevel = 1U << 15;

class Recorder : public IoApicOutput {
 public:
  void deliver(const MsiMessage& message) override { messages.push_back(message); }
  void routes_changed(const std::vector<PinRoute>& level_pins) override { routes = level_pins; }
  std::vector<MsiMessage> messages;
  std::vector<PinRoute> routes;
};

class IoApicTest : public ::testing::Test {
 protected:
  void put(std::uint64_t offset, std::uint32_t value) {
    EXPECT_OK(ioapic_.write(offset, bytes_of(Le32(value))));
  }
  std::uint32_t get(std::uint8_t index) {
    put(0, index);
    Le32 value;
    EXPECT_OK(ioapic_.read(0x10, std::as_writable_bytes(std::span<Le32, 1>(&value, 1))));
    return value;
  }
  void route(std::uint32_t pin, std::uint32_t low, std::uint8_t destination = 0) {
    put(0, 0x10 + 2 * pin + 1);
    put(0x10, std::uint32_t{destination} << 24);
    put(0, 0x10 + 2 * pin);
    put(0x10, low);
  }
  Recorder output_;
  IoApic ioapic_{output_};
};

TEST_F(IoApicTest, identifies_itself_with_24_pins_all_masked) {
  EXPECT_EQ(get(1), 0x170020U);
  for (std::uint8_t pin = 0; pin < 24; ++pin) {
    EXPECT_EQ(get(static_cast<std::uint8_t>(0x10 + 2 * pin)), kMasked);
  }
  EXPECT_EQ(get(0xff), 0U);
}

TEST_F(IoApicTest, an_edge_becomes_one_message_to_the_destination) {
  route(4, 0x31, 3);
  ioapic_.pulse(4);
  EXPECT_EQ(output_.messages, (std::vector<MsiMessage>{{0xfee03000, 0x31}}));
}

TEST_F(IoApicTest, an_edge_while_masked_comes_out_once_when_unmasked) {
  route(4, 0x31 | kMasked);
  ioapic_.pulse(4);
  ioapic_.pulse(4);
  EXPECT_TRUE(output_.messages.empty());
  route(4, 0x31);
  EXPECT_EQ(output_.messages.size(), 1U);
}

TEST_F(IoApicTest, a_level_is_delivered_again_after_each_end_of_interrupt_while_high) {
  route(9, 0x40 | kLevel);
  ioapic_.set_level(9, true);
  ioapic_.set_level(9, true);
  EXPECT_EQ(output_.messages.size(), 1U);
  ioapic_.end_of_interrupt(0x41);
  EXPECT_EQ(output_.messages.size(), 1U);
  ioapic_.end_of_interrupt(0x40);
  EXPECT_EQ(output_.messages.size(), 2U);
  ioapic_.set_level(9, false);
  ioapic_.end_of_interrupt(0x40);
  EXPECT_EQ(output_.messages.size(), 2U);
  EXPECT_EQ(output_.routes.size(), 1U);
}

TEST_F(IoApicTest, the_guest_cannot_write_the_read_only_bits) {
  route(4, 0x31 | kMasked | 1U << 14 | 1U << 12);
  EXPECT_EQ(get(0x18), 0x31 | kMasked);
}

TEST_F(IoApicTest, saved_state_goes_on_in_another) {
  route(9, 0x40 | kLevel);
  ioapic_.set_level(9, true);
  StateWriter writer;
  ASSERT_OK(ioapic_.save(writer));
  const std::string bytes = writer.finish();
  Recorder other_output;
  IoApic other(other_output);
  StateReader reader(bytes);
  ASSERT_OK(other.restore(reader));
  EXPECT_EQ(other_output.routes.size(), 1U);
  EXPECT_TRUE(other_output.messages.empty());
  other.end_of_interrupt(0x40);
  EXPECT_EQ(other_output.messages.size(), 1U);
}

}  // namespace
}  // namespace proa::vmm::irqchip
