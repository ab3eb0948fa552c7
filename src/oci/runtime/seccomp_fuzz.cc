#include <cstdint>

#include "oci/runtime/seccomp.h"

// What parses must print, and the print must parse to the same profile.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa;
  const auto value = json::parse({reinterpret_cast<const char*>(data), size}, "input");
  if (!value.ok()) return 0;
  const auto seccomp = oci::runtime::parse_seccomp(json::Reader(value.value(), "input"));
  if (!seccomp.ok()) return 0;
  const json::Value printed = to_json(seccomp.value());
  const auto again = oci::runtime::parse_seccomp(json::Reader(printed, "printed"));
  CHECK(again.ok());
  CHECK(again.value() == seccomp.value());
  return 0;
}
