#include "base/base64.h"

#include <gtest/gtest.h>

namespace proa {
namespace {

TEST(Base64, encode_and_decode_agree) {
  // RFC 4648, 10
  for (const auto& [bytes, text] : std::initializer_list<std::pair<const char*, const char*>>{
           {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}}) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text).value(), bytes);
  }
  EXPECT_EQ(base64_encode("\xfb\xff"), "+/8=");
}

TEST(Base64, decode_when_there_is_no_padding_then_it_is_taken) {
  EXPECT_EQ(base64_decode("Zm9vYg").value(), "foob");
}

TEST(Base64, decode_when_it_is_no_base64_then_it_is_refused) {
  for (const char* text : {"Zm9v\n", "Zm-v", "Z", "Zm9vY", "=Zg"}) {
    const Result<std::string> decoded = base64_decode(text);
    ASSERT_FALSE(decoded.ok()) << text;
    EXPECT_EQ(decoded.error().kind(), ErrorKind::invalid_argument);
  }
}

}  // namespace
}  // namespace proa
