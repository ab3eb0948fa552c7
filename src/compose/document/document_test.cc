#include <gtest/gtest.h>

#include <map>

#include "compose/document/env_file.h"
#include "compose/document/interpolate.h"
#include "compose/document/scalars.h"
#include "compose/document/yaml.h"

namespace proa::compose {
namespace {

Lookup lookup_in(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

const Warn kSilent = [](const std::string&) {};

std::string message_of(const auto& result) {
  return result.ok() ? "no error" : result.error().message();
}

TEST(ComposeYaml, a_node_knows_its_place) {
  Result<Node> root = parse_yaml("services:\n  web:\n    image: app\n", "c.yaml");
  ASSERT_TRUE(root.ok()) << root.error().message();
  const Node* image = root.value().find("services")->find("web")->find("image");
  EXPECT_EQ(image->place.text(), "c.yaml:3:12");
}

TEST(ComposeYaml, merge_keys_and_aliases_are_resolved) {
  Result<Node> root = parse_yaml(
      "x: &a {image: one, user: u}\nb:\n  <<: *a\n  image: two\nc:\n  <<: [*a, {tty: true}]\n",
      "f");
  ASSERT_TRUE(root.ok()) << root.error().message();
  EXPECT_EQ(root.value().find("b")->find("image")->text, "two");
  EXPECT_EQ(root.value().find("b")->find("user")->text, "u");
  EXPECT_EQ(root.value().find("c")->find("tty")->text, "true");
}

TEST(ComposeYaml, faults_name_file_line_and_column) {
  EXPECT_TRUE(message_of(parse_yaml("a: 1\na: 2\n", "f")).starts_with("f:2:1: key 'a'"));
  EXPECT_TRUE(message_of(parse_yaml("a: *b\n", "f")).starts_with("f:1:4: nothing is named"));
  EXPECT_TRUE(message_of(parse_yaml("a: [1\n", "f")).starts_with("f:"));
  EXPECT_TRUE(message_of(parse_yaml("a: !tag 1\n", "f")).starts_with("f:1:4: unknown tag"));
}

TEST(ComposeYaml, a_file_that_doubles_itself_is_refused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 9; ++level) {
    text += cat("a", level, ": &a", level, " [");
    for (int copy = 0; copy < 10; ++copy) text += cat(copy == 0 ? "" : ", ", "*a", level - 1);
    text += "]\n";
  }
  const Result<Node> root = parse_yaml(text, "f");
  ASSERT_FALSE(root.ok());
  EXPECT_EQ(root.error().kind(), ErrorKind::exhausted);
}

struct InterpolationCase {
  const char* text;
  const char* expected;  // nullptr: refused
};

TEST(ComposeInterpolation, every_form_gives_what_the_specification_says) {
  const Lookup variables = lookup_in({{"SET", "v"}, {"BLANK", ""}});
  for (const InterpolationCase& expected : {InterpolationCase{"a $SET ${SET} $$SET", "a v v $SET"},
                                            {"${SET:-d}${SET-d}", "vv"},
                                            {"${BLANK:-d}|${BLANK-d}", "d|"},
                                            {"${NONE:-d}|${NONE-d}", "d|d"},
                                            {"${NONE:-${SET}x}", "vx"},
                                            {"${NONE:-${BLANK:-deep}}", "deep"},
                                            {"${SET:+i}|${BLANK:+i}|${BLANK+i}|${NONE+i}", "i||i|"},
                                            {"${NONE}", ""},
                                            {"${SET:?needed}", "v"},
                                            {"${BLANK?needed}", ""},
                                            {"${NONE?needed}", nullptr},
                                            {"${BLANK:?needed}", nullptr},
                                            {"$", nullptr},
                                            {"${", nullptr},
                                            {"${SET", nullptr},
                                            {"${SET:}", nullptr},
                                            {"${1}", nullptr}}) {
    const Result<std::string> got = interpolate(expected.text, variables, kSilent);
    if (expected.expected == nullptr) {
      EXPECT_FALSE(got.ok()) << expected.text;
    } else {
      ASSERT_TRUE(got.ok()) << expected.text << ": " << got.error().message();
      EXPECT_EQ(got.value(), expected.expected) << expected.text;
    }
  }
}

TEST(ComposeEnvFile, quotes_comments_and_variables_are_read) {
  const Result<Variables> read = parse_env_file(
      "# first\nA=1\nexport B = two # said\nC='$A "
      "raw'\nD=\"x\\n$A\"\nE=${A}b\nSHELL_ONE\nNONE\nF=\n"
      "G=a#b\n",
      ".env", lookup_in({{"SHELL_ONE", "s"}}), kSilent);
  ASSERT_TRUE(read.ok()) << read.error().message();
  const Variables expected = {{"A", "1"},  {"B", "two"},       {"C", "$A raw"}, {"D", "x\n1"},
                              {"E", "1b"}, {"SHELL_ONE", "s"}, {"F", ""},       {"G", "a#b"}};
  EXPECT_EQ(read.value(), expected);
}

TEST(ComposeEnvFile, faults_name_the_line) {
  EXPECT_EQ(message_of(parse_env_file("A=1\nB='x\n", ".env", lookup_in({}), kSilent)),
            ".env:2: a quote that is not closed");
  EXPECT_TRUE(message_of(parse_env_file("A B=1\n", ".env", lookup_in({}), kSilent))
                  .starts_with(".env:1: "));
}

TEST(ComposeScalars, durations_are_printed_and_lines_split) {
  EXPECT_EQ(print_duration(90'500'000'000), "1m30.5s");
  EXPECT_EQ(split_words("a 'b c' \"d \\\" e\" f\\ g").take(),
            (std::vector<std::string>{"a", "b c", "d \" e", "f g"}));
  EXPECT_FALSE(split_words("a 'b").ok());
}

}  // namespace
}  // namespace proa::compose
