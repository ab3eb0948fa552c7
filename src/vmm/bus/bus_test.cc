#include "vmm/bus/bus.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/fixtures/require.h"

namespace proa::vmm {
namespace {

// Answers every byte with its offset and remembers the last write.
class Ruler : public BusDevice {
 public:
  Result<void> read(std::uint64_t offset, MutableByteSpan into) override {
    for (std::byte& byte : into) byte = static_cast<std::byte>(offset++);
    return {};
  }
  Result<void> write(std::uint64_t offset, ByteSpan from) override {
    last_offset = offset;
    last_size = from.size();
    return {};
  }
  std::uint64_t last_offset = 0;
  std::size_t last_size = 0;
};

std::array<std::byte, 2> read_two(const Bus& bus, GuestAddr address) {
  std::array<std::byte, 2> bytes = {};
  EXPECT_OK(bus.read(address, bytes));
  return bytes;
}

using Two = std::array<std::byte, 2>;
constexpr Two kOnes{std::byte{0xff}, std::byte{0xff}};

TEST(Bus, an_access_reaches_the_device_that_holds_all_of_it) {
  Bus bus;
  Ruler device;
  ASSERT_OK(bus.add({{0x100}, 0x10}, device));
  EXPECT_EQ(read_two(bus, {0x104}), (Two{std::byte{4}, std::byte{5}}));
  EXPECT_EQ(read_two(bus, {0x10e}), (Two{std::byte{0xe}, std::byte{0xf}}));
  ASSERT_OK(bus.write({0x108}, kOnes));
  EXPECT_EQ(device.last_offset, 8U);
  EXPECT_EQ(device.last_size, 2U);
}

TEST(Bus, what_no_device_holds_reads_as_ones) {
  Bus bus;
  Ruler device;
  ASSERT_OK(bus.add({{0x100}, 0x10}, device));
  for (const std::uint64_t address : {0UL, 0xffUL, 0x10fUL, 0x110UL, ~0UL}) {
    EXPECT_EQ(read_two(bus, {address}), kOnes) << address;
    ASSERT_OK(bus.write({address}, kOnes));
  }
  EXPECT_EQ(device.last_size, 0U);
}

TEST(Bus, windows_that_overlap_or_wrap_are_refused) {
  Bus bus;
  Ruler device;
  ASSERT_OK(bus.add({{0x100}, 0x10}, device));
  ASSERT_OK(bus.add({{0x110}, 0x10}, device));
  ASSERT_OK(bus.add({{0xf0}, 0x10}, device));
  EXPECT_FALSE(bus.add({{0x10f}, 1}, device).ok());
  EXPECT_FALSE(bus.add({{0x0}, 0xf1}, device).ok());
  EXPECT_FALSE(bus.add({{0x0}, 0}, device).ok());
  EXPECT_FALSE(bus.add({{~0UL}, 2}, device).ok());
  EXPECT_OK(bus.add({{~0UL}, 1}, device));
}

}  // namespace
}  // namespace proa::vmm
