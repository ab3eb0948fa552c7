#include "vmm/virtio/rng/device.h"

#include <algorithm>
#include <array>

#include "kernel/random/random.h"

namespace proa::vmm::virtio::rng {
namespace {

constexpr std::uint16_t kQueueSize = 64;
// A request gets this much at most, so that no guest can keep the worker busy with one chain.
constexpr std::uint64_t kMaxFill = 4096;

}  // namespace

std::vector<std::uint16_t> RngDevice::queue_sizes() const { return {kQueueSize}; }

void RngDevice::read_config(std::uint64_t /*offset*/, MutableByteSpan /*into*/) const {}

Result<void> RngDevice::activate(const Activation& activation) {
  activation_ = activation;
  return {};
}

Result<void> RngDevice::process(std::uint16_t queue) {
  return serve_all(*activation_.queues[queue], *activation_.host, queue, chain_,
                   [this](const Chain& chain) { return fill(chain); });
}

Result<std::uint32_t> RngDevice::fill(const Chain& chain) {
  std::array<std::byte, kMaxFill> bytes;
  const auto length = std::min(chain.writable_length, kMaxFill);
  const MutableByteSpan random = std::span(bytes).first(length);
  TRY(random::fill(random));
  Cursor cursor = Cursor::writable(chain);
  TRY(cursor.write(*activation_.memory, random));
  return static_cast<std::uint32_t>(length);
}

}  // namespace proa::vmm::virtio::rng
