#include "base/text.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/id.h"
#include "base/time.h"

namespace proa {
namespace {

TEST(Text, cat_takes_texts_characters_and_numbers) {
  EXPECT_EQ(cat("a", std::string("b"), 'c', -5, std::size_t{7}), "abc-57");
}

TEST(Text, split_keeps_empty_parts) {
  EXPECT_EQ(split("a,,b,", ','), (std::vector<std::string_view>{"a", "", "b", ""}));
  EXPECT_EQ(split_once("a=b=c", '='), (std::pair<std::string_view, std::string_view>("a", "b=c")));
}

TEST(Text, printable_escapes_and_cuts) {
  EXPECT_EQ(printable("a\n\x1b[31m"), "a\\x0a\\x1b[31m");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}

TEST(Digest, of_parse_and_print_agree) {
  const Digest digest = Digest::of("abc");
  EXPECT_EQ(digest.text(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Digest::parse(digest.text()).value(), digest);
}

TEST(Digest, parse_refuses_other_forms) {
  EXPECT_FALSE(Digest::parse("sha512:00").ok());
  EXPECT_FALSE(Digest::parse("sha256:00").ok());
  EXPECT_FALSE(Digest::parse(cat("sha256:", std::string(64, 'A'))).ok());
}

TEST(Id, random_hex_has_its_length_and_differs) {
  EXPECT_EQ(random_hex(64).size(), 64U);
  EXPECT_NE(random_hex(64), random_hex(64));
}

TEST(Time, rfc3339_goes_both_ways) {
  const std::string text = "2026-11-24T13:45:50.123456789Z";
  EXPECT_EQ(to_rfc3339(parse_rfc3339(text).value()), text);
  EXPECT_EQ(to_rfc3339(parse_rfc3339("2026-11-24T15:45:50.5+02:00").value()),
            "2026-11-24T13:45:50.500000000Z");
}

TEST(Time, parse_refuses_what_is_no_time) {
  for (const char* text : {"", "2026-13-01T00:00:00Z", "2026-01-01T25:00:00Z",
                           "2026-01-01T00:00:00", "2026-01-01T00:00:00+1:00", "x"}) {
    EXPECT_FALSE(parse_rfc3339(text).ok()) << text;
  }
}

}  // namespace
}  // namespace proa
