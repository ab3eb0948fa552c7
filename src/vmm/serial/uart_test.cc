#include "vmm/serial/uart.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/fixtures/require.h"

namespace proa::vmm::serial {
namespace {

class CountingLine : public InterruptLine {
 public:
  void pulse() override { ++pulses; }
  void set_level(bool) override {}
  int pulses = 0;
};

class UartTest : public ::testing::Test {
 protected:
  void put(std::uint64_t offset, std::uint8_t value) {
    const std::array bytes{static_cast<std::byte>(value)};
    EXPECT_OK(uart_.write(offset, bytes));
  }
  std::uint8_t get(std::uint64_t offset) {
    std::array<std::byte, 1> bytes = {};
    EXPECT_OK(uart_.read(offset, bytes));
    return std::to_integer<std::uint8_t>(bytes[0]);
  }
  std::string printed_;
  CountingLine line_;
  Uart uart_{line_, [this](std::string_view bytes) { printed_ += bytes; }};
};

TEST_F(UartTest, what_the_guest_writes_reaches_the_sink_and_the_transmitter_is_always_empty) {
  put(0, 'h');
  put(0, 'i');
  EXPECT_EQ(printed_, "hi");
  EXPECT_EQ(get(5), 0x60);
  EXPECT_EQ(line_.pulses, 0);
}

TEST_F(UartTest, input_is_read_in_order_and_interrupts_where_enabled) {
  uart_.receive("ab");
  EXPECT_EQ(line_.pulses, 0);
  put(1, 1);
  EXPECT_EQ(line_.pulses, 1);
  EXPECT_EQ(get(2), 4);
  EXPECT_EQ(get(0), 'a');
  EXPECT_EQ(get(5), 0x61);
  EXPECT_EQ(get(0), 'b');
  EXPECT_EQ(get(2), 1);
}

TEST_F(UartTest, input_beyond_the_room_is_not_taken) {
  EXPECT_EQ(uart_.room(), 64U);
  uart_.receive(std::string(100, 'x'));
  EXPECT_EQ(uart_.room(), 0U);
}

TEST_F(UartTest, enabling_the_transmitter_interrupts_and_reading_the_identity_takes_it_back) {
  put(1, 2);
  EXPECT_EQ(line_.pulses, 1);
  EXPECT_EQ(get(2), 2);
  EXPECT_EQ(get(2), 1);
}

TEST_F(UartTest, the_divisor_hides_data_and_prints_nothing) {
  put(3, 0x80);
  put(0, 1);
  put(1, 2);
  EXPECT_EQ(get(0), 1);
  EXPECT_EQ(get(1), 2);
  EXPECT_TRUE(printed_.empty());
}

TEST_F(UartTest, loopback_comes_back_as_input_and_modem_status) {
  put(4, 0x1b);
  EXPECT_EQ(get(6) & 0xf0, 0xb0 & 0xf0);
  put(0, 'x');
  EXPECT_EQ(get(0), 'x');
  EXPECT_TRUE(printed_.empty());
}

TEST_F(UartTest, saved_state_goes_on_in_another_and_interrupts_again) {
  put(1, 1);
  put(7, 0x5a);
  uart_.receive("z");
  StateWriter writer;
  ASSERT_OK(uart_.save(writer));
  const std::string bytes = writer.finish();
  CountingLine line;
  Uart other(line, [](std::string_view) {});
  StateReader reader(bytes);
  ASSERT_OK(other.restore(reader));
  EXPECT_EQ(line.pulses, 1);
  EXPECT_EQ(other.room(), 63U);
}

}  // namespace
}  // namespace proa::vmm::serial
