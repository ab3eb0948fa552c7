#include "vmm/virtio/balloon/device.h"
#include "vmm/virtio/core/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa::vmm::virtio;
  static fuzz::Harness harness([] { return std::make_unique<balloon::BalloonDevice>(); });
  harness.run(std::as_bytes(std::span(data, size)));
  return 0;
}
