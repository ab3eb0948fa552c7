#include "tests/nested/inside.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "base/text.h"

namespace proa::nested {

using ::testing::ContainsRegex;

std::string source_file(std::string_view name) {
  const char* const source = std::getenv("PROA_SOURCE");
  return cat(source == nullptr ? "." : source, "/", name);
}

fixtures::Output run(const Inside& inside) {
  fixtures::Command command{
      .arguments = {source_file("tests/nested/run"), "--timeout", cat(inside.limit.count())},
      .limit = 2 * inside.limit + std::chrono::seconds(30)};
  std::vector<std::string>& words = command.arguments;
  for (const std::string& program : inside.programs) {
    words.insert(words.end(), {"--file", fixtures::built_program(program)});
  }
  words.insert(words.end(), inside.options.begin(), inside.options.end());
  words.emplace_back("--");
  words.insert(words.end(), inside.command.begin(), inside.command.end());
  return fixtures::run(command);
}

void expect_passes(const Inside& inside) {
  const fixtures::Output output = run(inside);
  EXPECT_EQ(output.code, 0) << output.out << output.err;
  EXPECT_THAT(output.out, ContainsRegex("PASSED  . [1-9]"));
}

}  // namespace proa::nested
