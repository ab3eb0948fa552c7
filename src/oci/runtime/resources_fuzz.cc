#include <cstdint>

#include "oci/runtime/resources.h"

// What parses has only names that stay inside the container's cgroup.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa;
  const auto value = json::parse({reinterpret_cast<const char*>(data), size}, "input");
  if (!value.ok()) return 0;
  const auto resources = oci::runtime::parse_resources(json::Reader(value.value(), "input"));
  if (!resources.ok()) return 0;
  for (const auto& [name, content] : resources.value().unified) {
    CHECK(name.find('/') == std::string::npos && name != "..");
  }
  return 0;
}
