// WWW-Authenticate headers, token replies and error documents from any bytes.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "oci/distribution/challenge.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto challenges = proa::oci::distribution::Challenge::parse(text);
  if (challenges.ok()) {
    for (const auto& challenge : challenges.value()) CHECK(!challenge.scheme.empty());
  }
  proa::discard(proa::oci::distribution::parse_token(text), "only crashes count");
  CHECK(proa::oci::distribution::parse_errors(text).size() < 4096);
  return 0;
}
