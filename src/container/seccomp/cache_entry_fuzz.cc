#include <cstdint>

#include "container/seccomp/cache.h"

// An entry that is believed is byte for byte what would have been written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa::container::seccomp;
  const std::string_view entry(reinterpret_cast<const char*>(data), size);
  const auto program = decode_entry(entry, "key");
  if (program.ok()) CHECK(encode_entry("key", program.value()) == entry);
  return 0;
}
