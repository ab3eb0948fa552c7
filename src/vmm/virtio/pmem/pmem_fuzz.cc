#include <sys/mman.h>
#include <unistd.h>

#include "vmm/virtio/core/fuzz.h"
#include "vmm/virtio/pmem/device.h"

namespace {

std::unique_ptr<proa::vmm::virtio::Device> make() {
  using namespace proa::vmm::virtio::pmem;
  const proa::Fd file(::memfd_create("pmem", MFD_CLOEXEC));
  CHECK(::ftruncate(file.get(), 4096) == 0);
  return std::make_unique<PmemDevice>(FileMapping::create(file).take());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static proa::vmm::virtio::fuzz::Harness harness(make);
  harness.run(std::as_bytes(std::span(data, size)));
  return 0;
}
