#include "api/route/router.h"

#include <gtest/gtest.h>

#include <set>

#include "api/routes.h"

namespace proa::api {
namespace {

TEST(MatchPath, names_stand_for_one_segment_and_starred_ones_for_many) {
  PathNames names;
  EXPECT_TRUE(match_path("/containers/{id}/json", "/containers/web/json", names));
  EXPECT_EQ(names["id"], "web");
  EXPECT_FALSE(match_path("/containers/{id}/json", "/containers/a/b/json", names));
  EXPECT_FALSE(match_path("/containers/{id}/json", "/containers//json", names));
  EXPECT_FALSE(match_path("/containers/{id}", "/containers", names));
  EXPECT_TRUE(match_path("/images/{name*}/json", "/images/host:5000/a/b/json", names));
  EXPECT_EQ(names["name"], "host:5000/a/b");
  EXPECT_TRUE(match_path("/images/{name*}/json", "/images/json/json", names));
  EXPECT_EQ(names["name"], "json");
  EXPECT_FALSE(match_path("/images/{name*}/json", "/images/json", names));
}

TEST(SplitVersion, what_is_spoken_is_taken_off_and_the_rest_is_refused_in_dockers_words) {
  EXPECT_EQ(split_version("/v1.24/info").value().version, 24);
  EXPECT_EQ(split_version("/v1.44/containers/x/json").value().path, "/containers/x/json");
  EXPECT_EQ(split_version("/volumes").value().path, "/volumes");
  EXPECT_EQ(split_version("/info").value().version, kHighestVersion);
  EXPECT_EQ(split_version("/v1.50/info").error().message(),
            "client version 1.50 is too new. Maximum supported API version is 1.44");
  EXPECT_EQ(split_version("/v1.12/info").error().message(),
            "client version 1.12 is too old. Minimum supported API version is 1.24, please "
            "upgrade your client to a newer version");
}

TEST(AllRoutes, no_row_stands_twice) {
  std::set<std::pair<std::string_view, std::string_view>> rows;
  for (const Route& route : all_routes()) {
    EXPECT_TRUE(rows.emplace(route.method, route.path).second) << route.method << route.path;
  }
}

TEST(ParseMoment, seconds_with_a_fraction_and_rfc_3339_are_nanoseconds) {
  EXPECT_EQ(parse_moment("0").value(), 0);
  EXPECT_EQ(parse_moment("1136073600.5").value(), 1136073600500000000);
  EXPECT_EQ(parse_moment("1136073600.000000001").value(), 1136073600000000001);
  EXPECT_EQ(parse_moment("2006-01-01T00:00:00Z").value(), 1136073600000000000);
  EXPECT_EQ(parse_moment("9223372037000000000").error().kind(), ErrorKind::invalid_argument);
  EXPECT_EQ(parse_moment("yesterday").error().kind(), ErrorKind::invalid_argument);
}

TEST(ParseFilters, both_of_dockers_forms_are_read) {
  const engine::Filters lists = parse_filters(R"({"label":["a=b","c"],"name":[]})").value();
  EXPECT_EQ(lists.at("label"), (std::vector<std::string>{"a=b", "c"}));
  const engine::Filters maps = parse_filters(R"({"label":{"a=b":true,"c":false}})").value();
  EXPECT_EQ(maps.at("label"), (std::vector<std::string>{"a=b"}));
  EXPECT_FALSE(parse_filters("[1]").ok());
  EXPECT_FALSE(parse_filters(R"({"label":[1]})").ok());
  EXPECT_TRUE(parse_filters("").value().empty());
}

}  // namespace
}  // namespace proa::api
