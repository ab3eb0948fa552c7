#include "oci/distribution/reference.h"

#include <gtest/gtest.h>

namespace proa::oci::distribution {
namespace {

constexpr std::string_view kDigest =
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string full(std::string_view text) {
  const Result<Reference> reference = Reference::parse(text);
  return reference.ok() ? reference.value().text() : "refused";
}

TEST(ReferenceTest, shorthand_is_completed_as_docker_does) {
  EXPECT_EQ(full("node"), "docker.io/library/node:latest");
  EXPECT_EQ(full("node:20"), "docker.io/library/node:20");
  EXPECT_EQ(full("team/app"), "docker.io/team/app:latest");
  EXPECT_EQ(full("docker.io/node"), "docker.io/library/node:latest");
  EXPECT_EQ(full("index.docker.io/node"), "docker.io/library/node:latest");
  EXPECT_EQ(full("localhost/app"), "localhost/app:latest");
  EXPECT_EQ(full("localhost:5000/app:1"), "localhost:5000/app:1");
  EXPECT_EQ(full("[::1]:5000/app"), "[::1]:5000/app:latest");
  EXPECT_EQ(full("quay.io/a/b/c:v1.2_3-x"), "quay.io/a/b/c:v1.2_3-x");
  EXPECT_EQ(full("Host/app"), "Host/app:latest");
  EXPECT_EQ(full("a.b/c"), "a.b/c:latest");
}

TEST(ReferenceTest, digest_keeps_its_tag_and_needs_none) {
  EXPECT_EQ(full(cat("node@", kDigest)), cat("docker.io/library/node@", kDigest));
  EXPECT_EQ(full(cat("node:20@", kDigest)), cat("docker.io/library/node:20@", kDigest));
  EXPECT_EQ(Reference::parse(cat("node:20@", kDigest)).value().target(), kDigest);
  EXPECT_EQ(Reference::parse("node:20").value().target(), "20");
}

TEST(ReferenceTest, familiar_is_as_short_as_docker_shows_it) {
  EXPECT_EQ(Reference::parse("docker.io/library/node:20").value().familiar(), "node:20");
  EXPECT_EQ(Reference::parse("docker.io/team/app").value().familiar(), "team/app:latest");
  EXPECT_EQ(Reference::parse("localhost:5000/library/x").value().familiar(),
            "localhost:5000/library/x:latest");
}

TEST(ReferenceTest, separators_inside_a_component_follow_the_grammar) {
  for (const std::string_view good : {"a.b_c", "a__b", "a---b", "a-b/c.d"}) {
    EXPECT_NE(full(good), "refused") << good;
  }
  for (const std::string_view bad :
       {"a..b",        "a___b", "-a",        "a-",       "a._b",    "a/",   "/a",
        "a//b",        "",      "Upper",     "a b",      "a/Upper", "a:",   "a:-x",
        "a@sha256:12", "h:0/a", "h:99999/a", "-x.com/a", "a..b/c",  "a:b:c"}) {
    EXPECT_EQ(full(bad), "refused") << bad;
  }
}

TEST(ReferenceTest, image_id_alone_is_not_a_name) { EXPECT_EQ(full(kDigest.substr(7)), "refused"); }

TEST(ReferenceTest, too_long_names_and_tags_are_refused) {
  EXPECT_EQ(full(std::string(300, 'a')), "refused");
  EXPECT_NE(full(cat("a:", std::string(128, 't'))), "refused");
  EXPECT_EQ(full(cat("a:", std::string(129, 't'))), "refused");
}

TEST(ReferenceTest, only_this_machine_is_loopback) {
  for (const std::string_view yes :
       {"localhost", "localhost:5000", "127.0.0.1:80", "127.8.8.8", "[::1]:5000", "[::1]"}) {
    EXPECT_TRUE(is_loopback(yes)) << yes;
  }
  for (const std::string_view no : {"localhost.evil.com", "127.0.0.1.evil.com", "127.evil.com.x",
                                    "docker.io", "10.0.0.1", "[::2]"}) {
    EXPECT_FALSE(is_loopback(no)) << no;
  }
}

}  // namespace
}  // namespace proa::oci::distribution
