#include <sched.h>

#include "vmm/virtio/core/fuzz.h"
#include "vmm/virtio/net/device.h"

namespace {

// A tap in a network namespace of the target's own, where nobody listens.
std::unique_ptr<proa::vmm::virtio::Device> make() {
  using namespace proa::vmm::virtio::net;
  CHECK(::unshare(CLONE_NEWNET) == 0);
  return NetDevice::create(proa::tap::Tap::open("fuzz0", sizeof(FrameHeader)).take(),
                           {2, 0, 0, 0, 0, 1}, 1500)
      .take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static proa::vmm::virtio::fuzz::Harness harness(make);
  harness.run(std::as_bytes(std::span(data, size)));
  return 0;
}
