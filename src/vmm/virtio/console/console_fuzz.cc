#include "kernel/socket/unix_stream.h"
#include "vmm/virtio/console/device.h"
#include "vmm/virtio/core/fuzz.h"

namespace {

// A terminal and a stream whose other ends are there, say something and are not read.
std::unique_ptr<proa::vmm::virtio::Device> make() {
  using namespace proa::vmm::virtio::console;
  static std::vector<proa::Fd> peers;
  std::vector<PortSetup> ports;
  for (const PortKind kind : {PortKind::terminal, PortKind::stream}) {
    auto pair = proa::socket::stream_pair(proa::socket::Blocking::no).take();
    CHECK(proa::socket::send(pair.second, "some bytes", {}).ok());
    peers.push_back(std::move(pair.second));
    ports.push_back({"port", kind, std::move(pair.first)});
  }
  return ConsoleDevice::create(std::move(ports)).take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static proa::vmm::virtio::fuzz::Harness harness(make);
  harness.run(std::as_bytes(std::span(data, size)));
  return 0;
}
