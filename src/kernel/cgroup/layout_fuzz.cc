#include "kernel/cgroup/layout.h"

#include <cstdint>

// The first line feed that stands alone parts the two texts. Own paths stay absolute.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(text.find("\n\n"), text.size());
  const auto layout = cgroup::parse_layout(text.substr(0, cut), text.substr(cut));
  if (!layout.ok()) return 0;
  for (const cgroup::Hierarchy& hierarchy : layout.value().hierarchies) {
    CHECK(hierarchy.own.starts_with('/'));
  }
  return 0;
}
