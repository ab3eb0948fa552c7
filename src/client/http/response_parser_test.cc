#include "client/http/response_parser.h"

#include <gtest/gtest.h>

namespace proa::client {
namespace {

struct Parsed {
  bool ok = false;
  std::string error;
  int status = 0;
  std::string body;
  bool keep_alive = false;
};

// Feeds `text` in pieces of `step` bytes and then the end, as a connection does.
Parsed parse(std::string_view text, std::size_t step, HasBody has_body = HasBody::as_said) {
  ResponseParser parser(has_body);
  Parsed parsed;
  std::string input;
  const auto broken = [&](const Error& error) {
    parsed.error = error.message();
    return parsed;
  };
  while (!parser.done()) {
    if (text.empty()) {
      const auto ended = parser.feed_end();
      if (!ended.ok()) return broken(ended.error());
      break;
    }
    input.append(text.substr(0, step));
    text.remove_prefix(std::min(step, text.size()));
    while (true) {
      if (!parser.head_done()) {
        const auto taken = parser.feed_head(input);
        if (!taken.ok()) return broken(taken.error());
        input.erase(0, taken.value());
        if (!parser.head_done()) break;
      }
      const auto fed = parser.feed_body(input);
      if (!fed.ok()) return broken(fed.error());
      parsed.body.append(fed.value().content);
      input.erase(0, fed.value().taken);
      if (fed.value().taken == 0) break;
    }
  }
  parsed.ok = true;
  parsed.status = parser.head().status;
  parsed.keep_alive = parser.keep_alive();
  return parsed;
}

class ResponseParserTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ResponseParserTest, counted_body_leaves_the_connection_usable) {
  const Parsed parsed = parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", GetParam());
  ASSERT_TRUE(parsed.ok) << parsed.error;
  EXPECT_EQ(parsed.body, "hello");
  EXPECT_TRUE(parsed.keep_alive);
}

TEST_P(ResponseParserTest, chunks_and_their_trailer_are_taken_apart) {
  const Parsed parsed = parse(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;x=y\r\nhello\r\nB\r\n, container\r\n0\r\nA: b\r\n\r\n",
      GetParam());
  ASSERT_TRUE(parsed.ok) << parsed.error;
  EXPECT_EQ(parsed.body, "hello, container");
}

TEST_P(ResponseParserTest, interim_response_is_passed_over) {
  const Parsed parsed =
      parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
            GetParam());
  ASSERT_TRUE(parsed.ok) << parsed.error;
  EXPECT_EQ(parsed.status, 204);
  EXPECT_FALSE(parsed.keep_alive);
}

TEST_P(ResponseParserTest, body_without_a_length_ends_with_the_connection) {
  const Parsed parsed = parse("HTTP/1.0 200 OK\n\nall of it", GetParam());
  ASSERT_TRUE(parsed.ok) << parsed.error;
  EXPECT_EQ(parsed.body, "all of it");
  EXPECT_FALSE(parsed.keep_alive);
}

TEST_P(ResponseParserTest, early_end_is_an_error) {
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", GetParam()).ok);
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\n", GetParam()).ok);
  EXPECT_FALSE(
      parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", GetParam()).ok);
}

INSTANTIATE_TEST_SUITE_P(steps, ResponseParserTest, ::testing::Values(1, 3, 7, 4096));

TEST(ResponseParser, what_is_no_http_is_refused) {
  for (const std::string_view text :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n"}) {
    EXPECT_FALSE(parse(text, 4096).ok) << text;
  }
}

TEST(ResponseParser, endless_head_is_cut_off) {
  EXPECT_FALSE(parse("HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'b'), 4096).ok);
}

TEST(ResponseParser, answer_to_head_has_no_body) {
  const Parsed parsed = parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 4096, HasBody::no);
  ASSERT_TRUE(parsed.ok) << parsed.error;
  EXPECT_EQ(parsed.body, "");
}

}  // namespace
}  // namespace proa::client
