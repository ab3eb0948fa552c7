// The Dockerfile language against BuildKit's own cases, where they are to be had, and ours.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/text.h"
#include "build/parse/expand.h"
#include "build/parse/ignore.h"
#include "build/parse/syntax.h"
#include "kernel/file/file.h"
#include "tests/fixtures/require.h"

namespace proa::build {
namespace {

namespace fs = std::filesystem;

// As Go's %q prints text.
std::string go_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char character : text) {
    switch (character) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(character) < 0x20) {
          out += cat("\\x", to_hex(std::string_view(&character, 1)));
        } else {
          out += character;
        }
    }
  }
  return out + "\"";
}

std::string dumped(const Node& node) {
  std::string out = node.instruction;
  std::string flags;
  for (const std::string& flag : node.flags)
    flags += cat(flags.empty() ? "" : " ", go_quoted(flag));
  if (!flags.empty()) out += cat(" [", flags, "]");
  for (const Node& child : node.children) out += cat(" (", dumped(child), ")");
  for (const std::string& word : node.words) out += cat(" ", go_quoted(word));
  return out;
}

Result<Dockerfile> parsed(std::string text) {
  static Source source = Source::create("Dockerfile", "").take();
  Result<Source> made = Source::create("Dockerfile", std::move(text));
  if (!made.ok()) return std::move(made).error();
  return parse_dockerfile(made.value());
}

std::string data(const char* name) {
  const char* root = std::getenv("PROA_TEST_DATA");
  return root == nullptr ? "" : cat(root, "/dockerfile/", name);
}

TEST(Dockerfile, gives_the_trees_that_buildkit_gives) {
  const std::string folder = data("parser/testfiles");
  REQUIRE(test_data);
  int count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto text = file::read_file(entry.path() / "Dockerfile");
    const auto expected = file::read_file(entry.path() / "result");
    ASSERT_TRUE(text.ok() && expected.ok()) << entry.path();
    const Result<Dockerfile> file = parsed(text.value());
    ASSERT_TRUE(file.ok()) << entry.path() << ": " << file.error().message();
    std::string dump;
    for (const Node& node : file.value().nodes) dump += cat("(", dumped(node), ")\n");
    EXPECT_EQ(trim(dump), trim(expected.value())) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 33);
}

TEST(Dockerfile, refuses_what_buildkit_refuses) {
  const std::string folder = data("parser/testfiles-negative");
  REQUIRE(test_data);
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto text = file::read_file(entry.path() / "Dockerfile");
    ASSERT_TRUE(text.ok());
    EXPECT_FALSE(parsed(text.value()).ok()) << entry.path();
  }
}

TEST(Dockerfile, knows_where_instructions_lie) {
  const std::string path = data("parser/testfile-line/Dockerfile");
  REQUIRE(test_data);
  const Result<Dockerfile> file = parsed(file::read_file(path).take());
  ASSERT_TRUE(file.ok());
  const int expected[][2] = {{5, 5}, {11, 12}, {17, 31}};
  ASSERT_EQ(file.value().nodes.size(), 3U);
  for (std::size_t index = 0; index < 3; ++index) {
    EXPECT_EQ(file.value().nodes[index].lines.first, expected[index][0]);
    EXPECT_EQ(file.value().nodes[index].lines.last, expected[index][1]);
  }
}

TEST(Expansion, agrees_with_buildkits_table_of_variables) {
  const std::string path = data("shell/envVarTest");
  REQUIRE(test_data);
  const Variables variables = {
      {"PWD", "/home"}, {"SHELL", "bash"}, {"KOREAN", "한국어"}, {"NULL", ""}};
  int count = 0;
  const std::string text = file::read_file(path).take();
  for (std::string_view line : split(text, '\n')) {
    if (const auto mark = line.find('#'); mark == 0) continue;
    const auto [platform, rest] = split_once(line, '|');
    const auto [source, wanted] = split_once(rest, '|');
    if (trim(line).empty() || trim(platform) == "W") continue;
    const Result<Expanded> made = expand(trim(source), variables);
    if (trim(wanted) == "error") {
      EXPECT_FALSE(made.ok()) << line << " gave " << made.value().text;
    } else {
      ASSERT_TRUE(made.ok()) << line << ": " << made.error().message();
      EXPECT_EQ(made.value().text, trim(wanted)) << line;
    }
    ++count;
  }
  EXPECT_GT(count, 150);
}

TEST(Expansion, agrees_with_buildkits_table_of_words) {
  const std::string path = data("shell/wordsTest");
  REQUIRE(test_data);
  Variables variables;
  const std::string text = file::read_file(path).take();
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("ENV ")) {
      const auto [name, value] = split_once(line.substr(4), '=');
      variables[std::string(name)] = value;
      continue;
    }
    const std::size_t bar = line.find(" | ");
    ASSERT_NE(bar, std::string_view::npos) << line;
    const Result<Expanded> made = expand(trim(line.substr(0, bar)), variables);
    std::string_view wanted = line.substr(bar + 3);
    while (wanted.starts_with(' ')) wanted.remove_prefix(1);
    if (wanted == "error") {
      EXPECT_FALSE(made.ok()) << line;
      continue;
    }
    ASSERT_TRUE(made.ok()) << line << ": " << made.error().message();
    EXPECT_EQ(join(made.value().words, ","), wanted) << line;
  }
}

TEST(Expansion, trims_and_replaces_by_patterns) {
  const Variables variables = {{"P", "/a/b/c.tar.gz"}, {"Q", "a*b"}};
  const auto made = [&](std::string_view word) {
    Result<Expanded> result = expand(word, variables);
    return result.ok() ? result.take().text : "error";
  };
  EXPECT_EQ(made("${P#*/}"), "a/b/c.tar.gz");
  EXPECT_EQ(made("${P##*/}"), "c.tar.gz");
  EXPECT_EQ(made("${P%.*}"), "/a/b/c.tar");
  EXPECT_EQ(made("${P%%.*}"), "/a/b/c");
  EXPECT_EQ(made("${P/\\//_}"), "_a/b/c.tar.gz");
  EXPECT_EQ(made("${P//\\//_}"), "_a_b_c.tar.gz");
  EXPECT_EQ(made("${P/?.tar/x}"), "/a/b/x.gz");
  EXPECT_EQ(made("${Q#a\\*}"), "b");
  EXPECT_EQ(made("${Q#z}"), "a*b");
  EXPECT_EQ(made("${NO:?must be there}"), "error");
}

TEST(HereDocuments, are_read_up_to_their_name) {
  const auto file = parsed(
      "FROM a\nRUN <<EOF cat && 3<<-'X' foo\nhello $x\nEOF\n\t\tin\n\tX\nCOPY <<a <<\"b\" "
      "/d/\n1\na\n2\nb\n");
  ASSERT_TRUE(file.ok()) << file.error().message();
  ASSERT_EQ(file.value().nodes.size(), 3U);
  const auto& run = file.value().nodes[1].documents;
  ASSERT_EQ(run.size(), 2U);
  EXPECT_EQ(run[0].content, "hello $x\n");
  EXPECT_TRUE(run[0].expands);
  EXPECT_EQ(run[1].content, "\t\tin\n");
  EXPECT_EQ(run[1].descriptor, 3);
  EXPECT_FALSE(run[1].expands);
  EXPECT_EQ(file.value().nodes[2].documents[1].content, "2\n");
  EXPECT_FALSE(parsed("FROM a\nRUN <<EOF\nno end\n").ok());
}

TEST(Faults, show_the_line_and_a_caret) {
  const auto file = parsed("FROM a\n\nENV PATH\n");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().message(),
            "Dockerfile:3: ENV must have two arguments\n    3 | ENV PATH\n      | ^");
}

TEST(Faults, suggest_what_was_meant) {
  EXPECT_EQ(nearest("RUNN", {"RUN", "COPY"}), "RUN");
  EXPECT_EQ(nearest("WROKDIR", {"WORKDIR", "COPY"}), "WORKDIR");
  EXPECT_EQ(nearest("XYZZY", {"WORKDIR", "COPY"}), "");
}

TEST(Ignore, follows_dockers_rules) {
  const auto list = IgnoreList::parse(
      "# comment\nnode_modules\n*/temp*\n*/*/deep\ntemp?\n**/*.log\n!keep.log\n/abs\n"
      "docs/**\n!docs/README.md\n[a-c].txt\n\\!odd\n",
      ".dockerignore");
  ASSERT_TRUE(list.ok()) << list.error().message();
  const auto out = [&](std::string_view path) { return list.value().excludes(path); };
  EXPECT_TRUE(out("node_modules"));
  EXPECT_TRUE(out("node_modules/x/y"));
  EXPECT_FALSE(out("src/node_modules"));
  EXPECT_TRUE(out("a/temporary"));
  EXPECT_FALSE(out("temporary"));
  EXPECT_TRUE(out("a/b/deep"));
  EXPECT_TRUE(out("tempa"));
  EXPECT_FALSE(out("tempaa"));
  EXPECT_TRUE(out("x.log"));
  EXPECT_TRUE(out("a/b/x.log"));
  EXPECT_FALSE(out("keep.log"));
  EXPECT_TRUE(out("a/keep.log"));
  EXPECT_TRUE(out("abs"));
  EXPECT_TRUE(out("docs/x"));
  EXPECT_FALSE(out("docs/README.md"));
  EXPECT_TRUE(out("a.txt"));
  EXPECT_FALSE(out("d.txt"));
  EXPECT_TRUE(out("!odd"));
}

TEST(Ignore, does_not_take_longer_for_nasty_patterns) {
  IgnoreList list;
  ASSERT_TRUE(list.add("**/a*a*a*a*a*a*a*a*a*a*a*a*b/**/a*a*a*a*b").ok());
  EXPECT_FALSE(list.excludes(std::string(4000, 'a')));
}

}  // namespace
}  // namespace proa::build
