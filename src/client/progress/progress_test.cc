#include "client/progress/progress.h"

#include <gtest/gtest.h>

namespace proa::client {
namespace {

struct Shown {
  std::string text;
  std::string error;
};

Shown show(std::optional<std::size_t> width, const std::vector<std::string>& messages) {
  Shown shown;
  Progress progress(width, [&](std::string_view text) -> Result<void> {
    shown.text.append(text);
    return {};
  });
  for (const std::string& text : messages) {
    const auto value = json::parse(text, "message");
    const auto done = progress.show(value.value());
    if (!done.ok()) shown.error = done.error().message();
  }
  return shown;
}

const std::vector<std::string> kPull = {
    R"({"status":"Pulling from team/app","id":"1"})",
    R"({"status":"Downloading","progressDetail":{"current":500,"total":1000},"id":"abc"})",
    R"({"status":"Downloading","progressDetail":{"current":1000,"total":1000},"id":"abc"})",
    R"({"status":"Pull complete","progressDetail":{},"id":"abc"})",
    R"({"status":"Digest: sha256:00"})"};

TEST(Progress, elsewhere_than_on_a_terminal_each_state_is_told_once) {
  EXPECT_EQ(show(std::nullopt, kPull).text,
            "1: Pulling from team/app\nabc: Pull complete\nDigest: sha256:00\n");
}

TEST(Progress, on_a_terminal_a_layer_keeps_its_line) {
  const std::string text = show(60, kPull).text;
  EXPECT_NE(text.find("abc: Downloading ["), std::string::npos);
  EXPECT_NE(text.find("\x1b[1A\r\x1b[2Kabc: Pull complete\r\x1b[1B"), std::string::npos) << text;
}

TEST(Progress, error_of_the_engine_is_an_error) {
  EXPECT_EQ(show(80, {R"({"errorDetail":{"message":"no space"},"error":"x"})"}).error, "no space");
  EXPECT_EQ(show(80, {R"({"error":"x"})"}).error, "x");
}

TEST(Progress, control_bytes_do_not_reach_the_terminal) {
  EXPECT_EQ(show(std::nullopt, {R"({"status":"a\u001b[2Jb"})"}).text, "a[2Jb\n");
}

TEST(Progress, bar_fills_its_room) {
  EXPECT_EQ(progress_bar(5000, 10000, 30), "[=========>        ]  5kB/10kB");
  EXPECT_EQ(progress_bar(10000, 10000, 30), "[=================]  10kB/10kB");
  EXPECT_EQ(progress_bar(5000, 10000, 5), "");
  EXPECT_EQ(progress_bar(0, 100, 30), "");
  EXPECT_EQ(progress_bar(2000, 0, 30), "2kB");
}

}  // namespace
}  // namespace proa::client
