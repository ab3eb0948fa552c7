// Dockerfiles, words and patterns of paths.
#include <cstdint>

#include "build/parse/expand.h"
#include "build/parse/ignore.h"
#include "build/parse/syntax.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa::build;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Variables variables = {{"A", "a/b/c"}, {"B", ""}, {"C", "x y"}};
  if (data[0] % 3 == 0) {
    auto source = Source::create("Dockerfile", text);
    if (!source.ok()) return 0;
    const auto file = parse_dockerfile(source.value());
    if (!file.ok()) return 0;
    for (const Node& node : file.value().nodes) {
      for (const std::string& word : node.words) {
        proa::discard(expand(word, variables, {.escape = file.value().escape}), "fuzzing");
      }
    }
  } else if (data[0] % 3 == 1) {
    proa::discard(expand(text, variables), "fuzzing");
  } else {
    const auto list = IgnoreList::parse(text, "f");
    if (list.ok() && list.value().excludes("a/b/c.txt")) return 0;
  }
  return 0;
}
