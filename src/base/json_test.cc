#include "base/json.h"

#include <gtest/gtest.h>

namespace proa::json {
namespace {

TEST(Json, parse_then_print_gives_the_same_text) {
  const std::string text =
      R"({"a":[1,-2,3.5,true,null],"b":{"c":"d\u0001\"é"},"big":18446744073709551615})";
  Result<Value> value = parse(text, "test");
  ASSERT_TRUE(value.ok()) << value.error().message();
  EXPECT_EQ(print(value.value()), text);
}

TEST(Json, syntax_error_names_file_line_and_column) {
  const Result<Value> value = parse("{\n  \"a\": 1,\n  \"b\" 2\n}", "config.json");
  ASSERT_FALSE(value.ok());
  EXPECT_EQ(value.error().message(),
            "config.json:3:7: Missing a colon after a name of object member.");
}

TEST(Json, parse_refuses_what_is_nested_too_deep) {
  const std::string text(100'000, '[');
  const Result<Value> value = parse(text, "x");
  ASSERT_FALSE(value.ok());
  EXPECT_EQ(value.error().message(), "x:1:201: nested deeper than 200");
}

TEST(Json, parse_refuses_trailing_text_and_bad_utf8) {
  EXPECT_FALSE(parse("{} {}", "x").ok());
  EXPECT_FALSE(parse("\"\xff\"", "x").ok());
  EXPECT_FALSE(parse("", "x").ok());
}

TEST(Json, of_equal_keys_the_last_wins) {
  const Result<Value> value = parse(R"({"a":1,"a":2})", "x");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value.value().find("a"), Value(2));
}

TEST(JsonReader, wrong_shape_names_the_path) {
  Result<Value> value = parse(R"({"linux":{"namespaces":[{"type":"pid"},{"type":7}]}})", "f");
  ASSERT_TRUE(value.ok());
  const Reader root(value.value(), "f");
  const auto namespaces = root.find("linux")->at("namespaces");
  ASSERT_TRUE(namespaces.ok());
  const auto elements = namespaces.value().elements();
  ASSERT_TRUE(elements.ok());
  const auto type = elements.value()[1].find("type")->string();
  ASSERT_FALSE(type.ok());
  EXPECT_EQ(type.error().message(),
            "f: linux.namespaces[1].type: expected a string, got an integer");
}

TEST(JsonReader, integers_are_range_checked) {
  Result<Value> value = parse(R"({"n":300,"m":-1,"u":18446744073709551615})", "f");
  ASSERT_TRUE(value.ok());
  const Reader root(value.value(), "f");
  EXPECT_FALSE(root.find("n")->integer<std::uint8_t>().ok());
  EXPECT_FALSE(root.find("m")->integer<std::uint64_t>().ok());
  EXPECT_FALSE(root.find("u")->integer<std::int64_t>().ok());
  EXPECT_EQ(root.find("u")->integer<std::uint64_t>().value(), ~std::uint64_t{0});
}

TEST(Json, pretty_print_indents_and_keeps_empty_containers_short) {
  Value value = Value::object();
  value.set("a", Value::array());
  value.set("b", std::vector<std::string>{"x"});
  EXPECT_EQ(print_pretty(value), "{\n  \"a\": [],\n  \"b\": [\n    \"x\"\n  ]\n}");
}

}  // namespace
}  // namespace proa::json
