#include <gtest/gtest.h>

#include "client/format/listing.h"
#include "client/format/table.h"
#include "client/format/units.h"

namespace proa::client {
namespace {

using std::chrono::seconds;

TEST(Units, sizes_print_as_dockers) {
  EXPECT_EQ(human_size(0, 3), "0B");
  EXPECT_EQ(human_size(1234), "1.234kB");
  EXPECT_EQ(human_size(72'842'000, 3), "72.8MB");
  EXPECT_EQ(human_size(123'456'789, 3), "123MB");
  EXPECT_EQ(human_size(999'900, 3), "1000kB");
  EXPECT_EQ(human_size(1e9, 3), "1GB");
  EXPECT_EQ(binary_size(1536), "1.5KiB");
  EXPECT_EQ(binary_size(16'668'913'664.0), "15.52GiB");
}

TEST(Units, ages_print_as_dockers) {
  constexpr std::pair<int, std::string_view> kAges[] = {
      {0, "Less than a second"}, {1, "1 second"},          {59, "59 seconds"},
      {60, "About a minute"},    {119, "About a minute"},  {120, "2 minutes"},
      {3599, "59 minutes"},      {3600, "About an hour"},  {5400, "2 hours"},
      {47 * 3600, "47 hours"},   {48 * 3600, "2 days"},    {13 * 86400, "13 days"},
      {14 * 86400, "2 weeks"},   {61 * 86400, "2 months"}, {800 * 86400, "2 years"}};
  for (const auto& [age, text] : kAges) EXPECT_EQ(human_duration(seconds(age)), text) << age;
}

TEST(Units, sizes_are_read_in_binary_units) {
  EXPECT_EQ(parse_size("4096").value(), 4096);
  EXPECT_EQ(parse_size("512m").value(), 512 << 20);
  EXPECT_EQ(parse_size("1.5GB").value(), 1'610'612'736);
  EXPECT_EQ(parse_size("64kib").value(), 65536);
  for (const std::string_view text : {"", "m", "-1", "1e3", "1mm", "0x10", "9999999p", "1 2"}) {
    EXPECT_FALSE(parse_size(text).ok()) << text;
  }
}

TEST(Units, durations_are_gos) {
  EXPECT_EQ(parse_duration("1m30s").value(), seconds(90));
  EXPECT_EQ(parse_duration("1.5h").value(), seconds(5400));
  EXPECT_EQ(parse_duration("100ms").value(), std::chrono::milliseconds(100));
  EXPECT_EQ(parse_duration("0").value().count(), 0);
  for (const std::string_view text : {"", "5", "s", "1x", "1m5", "--1s", "1..5s", "99999999999h"}) {
    EXPECT_FALSE(parse_duration(text).ok()) << text;
  }
}

TEST(Units, moments_become_seconds_and_nanoseconds) {
  const Moment noon = parse_rfc3339("2026-01-02T12:00:00Z").value();
  EXPECT_EQ(parse_moment("1700000000", noon).value(), "1700000000");
  EXPECT_EQ(parse_moment("1700000000.5", noon).value(), "1700000000.500000000");
  EXPECT_EQ(parse_moment("10m", noon).value(), "1767354600.000000000");
  EXPECT_EQ(parse_moment("2026-01-02T12:00:00.25Z", noon).value(), "1767355200.250000000");
  EXPECT_EQ(parse_moment("2026-01-02", noon).value(), "1767312000.000000000");
  EXPECT_EQ(parse_moment("2026-01-02T12:00", noon).value(), "1767355200.000000000");
  EXPECT_FALSE(parse_moment("yesterday", noon).ok());
}

TEST(Table, columns_are_as_wide_as_dockers) {
  Table table({"NAME", "TAG", "SIZE"});
  table.add({"a-rather-long-name", "1", "2MB"});
  EXPECT_EQ(table.print(),
            "NAME                 TAG       SIZE\n"
            "a-rather-long-name   1         2MB\n");
}

TEST(Table, on_a_terminal_the_widest_columns_are_cut) {
  Table table({"NAME", "COMMAND", "X"});
  table.add({std::string(40, 'n'), std::string(40, 'c'), "x"});
  const std::string text = table.print(60);
  std::size_t longest = 0;
  std::size_t start = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    longest = std::max(longest, display_width(text.substr(start, end - start)));
    start = end + 1;
  }
  EXPECT_LE(longest, 60U) << text;
  EXPECT_NE(text.find("nnn…"), std::string::npos) << text;
}

TEST(Table, an_id_that_is_typed_again_is_never_cut) {
  Table table({"CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"});
  table.add({"0123456789ab", "registry.example/app:1", "\"sleep 600\"", "10 seconds ago",
             "Up 9 seconds", "80/tcp", "thoughtful_hopper"});
  for (const std::size_t width : {30U, 60U, 80U}) {
    EXPECT_NE(table.print(width).find("0123456789ab "), std::string::npos) << width;
  }
  const std::string text = table.print(80);
  for (const std::string_view line : split(text, '\n')) {
    EXPECT_LE(display_width(line), 80U) << line;
  }
}

TEST(Table, width_counts_characters_not_bytes) {
  EXPECT_EQ(display_width("añ…"), 3U);
  EXPECT_EQ(shorten("añejo", 3), "añ…");
  EXPECT_EQ(shorten("abc", 3), "abc");
}

constexpr Column kColumns[] = {{"Name", "NAME"}, {"Size", "SIZE"}};

std::vector<json::Value> rows() {
  return {json::parse(R"({"Name":"web","Size":"1MB"})", "row").take(),
          json::parse(R"({"Name":"db","Size":"2MB"})", "row").take()};
}

TEST(Listing, formats_are_the_usual_table_a_table_lines_or_json) {
  const auto shown = [](std::string format) {
    return print_listing({.format = std::move(format), .usual = {"Name", "Size"}, .width = {}},
                         kColumns, rows())
        .value();
  };
  EXPECT_EQ(shown(""), "NAME      SIZE\nweb       1MB\ndb        2MB\n");
  EXPECT_EQ(shown("table {{.Size}}\\t{{.Name}}"), "SIZE      NAME\n1MB       web\n2MB       db\n");
  EXPECT_EQ(shown("{{.Name}}"), "web\ndb\n");
  EXPECT_EQ(shown("json"),
            "{\"Name\":\"web\",\"Size\":\"1MB\"}\n{\"Name\":\"db\",\"Size\":\"2MB\"}\n");
}

TEST(Listing, unknown_field_is_an_error) {
  EXPECT_FALSE(
      print_listing({.format = "{{.Color}}", .usual = {}, .width = {}}, kColumns, rows()).ok());
}

}  // namespace
}  // namespace proa::client
