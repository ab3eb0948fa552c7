#include <cstdint>

#include "base/json.h"

// What parses must print, and the print must parse to the same value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = proa::json::parse({reinterpret_cast<const char*>(data), size}, "input");
  if (!value.ok()) return 0;
  const auto again = proa::json::parse(proa::json::print(value.value()), "printed");
  CHECK(again.ok());
  CHECK(proa::json::print(again.value()) == proa::json::print(value.value()));
  return 0;
}
