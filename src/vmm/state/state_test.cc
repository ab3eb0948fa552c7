#include "vmm/state/state.h"

#include <gtest/gtest.h>

#include "tests/fixtures/require.h"

namespace proa::vmm {
namespace {

std::string two_sections() {
  StateWriter writer;
  writer.section("clock", 2);
  writer.number(std::uint64_t{0x1122334455667788});
  writer.boolean(true);
  writer.section("name", 1);
  writer.text("proa");
  return writer.finish();
}

TEST(State, sections_come_back_in_order) {
  const std::string bytes = two_sections();
  StateReader reader(bytes);
  EXPECT_EQ(reader.section("clock", 3).take(), 2);
  EXPECT_EQ(reader.number<std::uint64_t>().take(), 0x1122334455667788U);
  EXPECT_TRUE(reader.boolean().take());
  EXPECT_EQ(reader.section("name", 1).take(), 1);
  EXPECT_EQ(text_of(bytes_of(reader.bytes(4).take())), "proa");
  EXPECT_OK(reader.finish());
}

TEST(State, every_truncation_is_an_error_before_the_end) {
  const std::string bytes = two_sections();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    StateReader reader(std::string_view(bytes).substr(0, length));
    const auto read_all = [&]() -> Result<void> {
      TRY(reader.section("clock", 2));
      TRY(reader.number<std::uint64_t>());
      TRY(reader.boolean());
      TRY(reader.section("name", 1));
      TRY(reader.bytes(16));
      return reader.finish();
    };
    EXPECT_FALSE(read_all().ok()) << length;
  }
}

TEST(State, a_newer_version_is_unsupported_and_another_section_corrupt) {
  const std::string bytes = two_sections();
  EXPECT_EQ(StateReader(bytes).section("clock", 1).error().kind(), ErrorKind::unsupported);
  EXPECT_EQ(StateReader(bytes).section("name", 1).error().kind(), ErrorKind::corrupt);
}

TEST(State, what_a_section_has_left_over_is_corrupt) {
  const std::string bytes = two_sections();
  StateReader reader(bytes);
  ASSERT_OK(reader.section("clock", 2));
  EXPECT_EQ(reader.section("name", 1).error().kind(), ErrorKind::corrupt);
  EXPECT_FALSE(reader.finish().ok());
}

TEST(State, a_byte_string_longer_than_its_limit_is_corrupt) {
  StateWriter writer;
  writer.section("name", 1);
  writer.text("longer");
  const std::string bytes = writer.finish();
  StateReader reader(bytes);
  ASSERT_OK(reader.section("name", 1));
  EXPECT_EQ(reader.bytes(5).error().kind(), ErrorKind::corrupt);
}

}  // namespace
}  // namespace proa::vmm
