#include "io/http_client/url.h"

#include <gtest/gtest.h>

namespace proa::io {
namespace {

std::string resolved(const std::string& base, const std::string& reference) {
  return Url::parse(base).value().resolve(reference).value().text();
}

TEST(Url, origin_is_scheme_host_and_port) {
  EXPECT_EQ(Url::parse("https://Host/path").value().origin(), "https://host:443");
  EXPECT_EQ(Url::parse("http://host").value().origin(), "http://host:80");
  EXPECT_EQ(Url::parse("http://[::1]:5000/v2/").value().origin(), "http://[::1]:5000");
  EXPECT_EQ(Url::parse("https://host:443@other:5000/").value().origin(), "https://other:5000");
}

TEST(Url, resolve_when_the_reference_is_relative_then_it_starts_where_it_was_given) {
  const std::string base = "https://host:5000/v2/team/app/blobs/uploads/?mount=x";
  EXPECT_EQ(resolved(base, "id?_state=1"),
            "https://host:5000/v2/team/app/blobs/uploads/id?_state=1");
  EXPECT_EQ(resolved(base, "../../x"), "https://host:5000/v2/team/app/x");
  EXPECT_EQ(resolved(base, "/v2/x"), "https://host:5000/v2/x");
  EXPECT_EQ(resolved(base, "//other/x"), "https://other/x");
  EXPECT_EQ(resolved(base, "http://other:80/x#part"), "http://other:80/x");
}

TEST(Url, with_query_appends_to_what_is_there) {
  EXPECT_EQ(Url::parse("http://host/x").value().with_query("a=%2f").value().text(),
            "http://host/x?a=%2f");
  EXPECT_EQ(Url::parse("http://host/x?b=c").value().with_query("a=1").value().text(),
            "http://host/x?b=c&a=1");
}

TEST(Url, parse_when_it_is_no_url_of_http_then_it_is_refused) {
  for (const char* text : {"", "host/path", "ftp://host/", "file:///etc", "http://a b/", "/x"}) {
    const Result<Url> url = Url::parse(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_EQ(url.error().kind(), ErrorKind::invalid_argument) << text;
  }
  EXPECT_FALSE(Url::parse("http://host/").value().resolve("ftp://host/").ok());
}

}  // namespace
}  // namespace proa::io
