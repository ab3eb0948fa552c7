#include <sys/mman.h>
#include <unistd.h>

#include "vmm/virtio/block/device.h"
#include "vmm/virtio/core/fuzz.h"

namespace {

// A small disk in memory: the guest may do with it what it likes.
std::unique_ptr<proa::vmm::virtio::Device> make() {
  using namespace proa::vmm::virtio::block;
  proa::Fd file(::memfd_create("disk", MFD_CLOEXEC));
  CHECK(::ftruncate(file.get(), 64 * 1024) == 0);
  std::vector<Extent> extents;
  extents.push_back({std::move(file), 0, 64 * 1024});
  return BlockDevice::create(Disk::create(std::move(extents), Access::writable).take(), "fuzz")
      .take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static proa::vmm::virtio::fuzz::Harness harness(make);
  harness.run(std::as_bytes(std::span(data, size)));
  return 0;
}
