#include <gtest/gtest.h>

#include "client/http/address.h"
#include "client/http/request.h"
#include "client/stream/detach_keys.h"
#include "client/stream/frame_splitter.h"
#include "client/stream/json_lines.h"

namespace proa::client {
namespace {

std::string frame(char stream, std::string_view content) {
  std::string head = {stream, 0, 0, 0, 0, 0, 0, static_cast<char>(content.size())};
  return head.append(content);
}

TEST(FrameSplitter, streams_come_apart_however_they_are_cut) {
  const std::string bytes = frame(1, "out") + frame(2, "error") + frame(1, "") + frame(16, "{}");
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    FrameSplitter splitter;
    std::string shown[17];
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      const auto fed = splitter.feed(std::string_view(bytes).substr(at, step),
                                     [&](Stream stream, std::string_view content) -> Result<void> {
                                       shown[static_cast<std::size_t>(stream)].append(content);
                                       return {};
                                     });
      ASSERT_TRUE(fed.ok());
    }
    EXPECT_EQ(shown[1], "out");
    EXPECT_EQ(shown[2], "error");
    EXPECT_EQ(shown[16], "{}");
    EXPECT_TRUE(splitter.between_frames());
  }
}

TEST(FrameSplitter, unknown_stream_is_refused) {
  FrameSplitter splitter;
  EXPECT_FALSE(
      splitter.feed(frame(7, "x"), [](Stream, std::string_view) { return Result<void>(); }).ok());
}

TEST(JsonSplitter, objects_come_apart_however_they_are_cut) {
  const std::string bytes = "{\"a\":\"}\\\"{\"}\r\n{\"b\":{}}{\"c\":1}\n";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    JsonSplitter splitter;
    std::string shown;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      const auto fed =
          splitter.feed(bytes.substr(at, step), [&](const json::Value& value) -> Result<void> {
            shown.append(json::print(value));
            return {};
          });
      ASSERT_TRUE(fed.ok()) << fed.error().message();
    }
    EXPECT_EQ(shown, "{\"a\":\"}\\\"{\"}{\"b\":{}}{\"c\":1}");
    EXPECT_TRUE(splitter.between_values());
  }
}

TEST(JsonSplitter, what_is_no_object_is_refused) {
  JsonSplitter splitter;
  EXPECT_FALSE(splitter.feed("<html>", [](const json::Value&) { return Result<void>(); }).ok());
}

TEST(DetachKeys, sequence_is_found_across_reads_and_not_sent) {
  DetachKeys keys = DetachKeys::parse("ctrl-p,ctrl-q").take();
  EXPECT_EQ(keys.feed("ab\x10").bytes, "ab");
  const auto passed = keys.feed("\x11rest");
  EXPECT_TRUE(passed.detached);
  EXPECT_EQ(passed.bytes, "");
}

TEST(DetachKeys, beginning_that_goes_on_otherwise_is_sent) {
  DetachKeys keys = DetachKeys::parse("ctrl-p,ctrl-q").take();
  EXPECT_EQ(keys.feed("\x10x").bytes, "\x10x");
  EXPECT_EQ(keys.feed("\x10").bytes, "");
  EXPECT_EQ(keys.feed("\x10").bytes, "\x10");
  EXPECT_TRUE(keys.feed("\x11").detached);
}

TEST(DetachKeys, keys_are_checked) {
  EXPECT_TRUE(DetachKeys::parse("a,ctrl-@,ctrl-[").ok());
  EXPECT_TRUE(DetachKeys::parse("").ok());
  for (const std::string_view text : {"ctrl-", "ctrl-1", "escape", "a,,b", "ctrl-A"}) {
    EXPECT_FALSE(DetachKeys::parse(text).ok()) << text;
  }
}

TEST(Address, sockets_and_numeric_addresses_are_taken) {
  EXPECT_EQ(parse_address("unix:///run/x.sock").value().path, "/run/x.sock");
  const Address v4 = parse_address("tcp://127.0.0.1:2375").value();
  EXPECT_EQ(v4.host, "127.0.0.1");
  EXPECT_EQ(v4.port, 2375);
  EXPECT_EQ(parse_address("tcp://[::1]:99").value().authority(), "[::1]:99");
  EXPECT_EQ(parse_address("tcp://localhost").value().authority(), "127.0.0.1:2375");
  for (const std::string_view text : {"ssh://host", "unix://", "tcp://[::1", "tcp://1.2.3.4:0",
                                      "tcp://1.2.3.4:99999", "nonsense"}) {
    EXPECT_FALSE(parse_address(text).ok()) << text;
  }
}

TEST(Request, query_is_escaped) {
  Request request("GET", "/containers/json");
  request.query("filters", "{\"a b\":[\"ü\"]}").query("all", "1");
  EXPECT_EQ(request.target(),
            "/containers/json?filters=%7b%22a%20b%22%3a%5b%22%c3%bc%22%5d%7d&all=1");
}

}  // namespace
}  // namespace proa::client
