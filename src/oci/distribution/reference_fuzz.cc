// References from any bytes; one that was accepted means the same when it is printed and read
// again.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "oci/distribution/reference.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using proa::oci::distribution::Reference;
  const auto reference = Reference::parse({reinterpret_cast<const char*>(data), size});
  if (!reference.ok()) return 0;
  const auto again = Reference::parse(reference.value().text());
  CHECK(again.ok() && again.value() == reference.value());
  const auto familiar = Reference::parse(reference.value().familiar());
  CHECK(familiar.ok() && familiar.value() == reference.value());
  return 0;
}
