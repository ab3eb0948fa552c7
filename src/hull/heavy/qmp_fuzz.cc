// What a QEMU that its guest took over may say on its control socket.
#include <cstdint>

#include "hull/heavy/qmp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  proa::hull::QmpReader reader;
  reader.feed(bytes.substr(0, size / 3));
  reader.feed(bytes.substr(size / 3));
  while (true) {
    auto object = reader.next();
    if (!object.ok() || !object.value()) break;
  }
  return 0;
}
