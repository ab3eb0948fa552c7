#include "oci/distribution/challenge.h"

#include <gtest/gtest.h>

namespace proa::oci::distribution {
namespace {

TEST(ChallengeTest, bearer_parameters_are_read_with_quotes_and_escapes) {
  const auto parsed = Challenge::parse(
      R"(Bearer realm="https://auth.example/token?a=1,2",service=reg, scope="a\"b" , x = y)");
  ASSERT_TRUE(parsed.ok());
  ASSERT_EQ(parsed.value().size(), 1U);
  const Challenge& challenge = parsed.value()[0];
  EXPECT_EQ(challenge.scheme, "bearer");
  EXPECT_EQ(challenge.parameter("realm"), "https://auth.example/token?a=1,2");
  EXPECT_EQ(challenge.parameter("service"), "reg");
  EXPECT_EQ(challenge.parameter("scope"), "a\"b");
  EXPECT_EQ(challenge.parameter("x"), "y");
  EXPECT_EQ(challenge.parameter("none"), "");
}

TEST(ChallengeTest, several_challenges_in_one_header_are_told_apart) {
  const auto parsed = Challenge::parse(R"(Basic realm="x", Bearer realm="y",service="z")");
  ASSERT_TRUE(parsed.ok());
  ASSERT_EQ(parsed.value().size(), 2U);
  EXPECT_EQ(parsed.value()[0].scheme, "basic");
  EXPECT_EQ(parsed.value()[1].parameter("service"), "z");
}

TEST(ChallengeTest, malformed_headers_are_refused) {
  for (const std::string_view bad : {R"(Bearer realm="open)", R"(Bearer realm=)", "Bearer =x",
                                     R"(Bearer realm="x\)", "\"quoted\""}) {
    EXPECT_FALSE(Challenge::parse(bad).ok()) << bad;
  }
  EXPECT_EQ(Challenge::parse(std::string(9000, 'a')).error().kind(), ErrorKind::exhausted);
}

TEST(TokenTest, token_with_a_line_feed_is_refused) {
  EXPECT_EQ(parse_token(R"({"token":"abc.def"})").value(), "abc.def");
  EXPECT_EQ(parse_token(R"({"access_token":"abc"})").value(), "abc");
  EXPECT_FALSE(parse_token(R"({"token":"abc\r\nX: y"})").ok());
  EXPECT_FALSE(parse_token(R"({"token":""})").ok());
  EXPECT_FALSE(parse_token(R"({})").ok());
}

TEST(ErrorsTest, messages_of_an_error_document_are_joined) {
  EXPECT_EQ(parse_errors(R"({"errors":[{"code":"A","message":"one"},{"code":"TWO"}]})"),
            "one; TWO");
  EXPECT_EQ(parse_errors("<html>"), "");
}

}  // namespace
}  // namespace proa::oci::distribution
