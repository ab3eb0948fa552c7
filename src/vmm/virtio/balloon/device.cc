#include "vmm/virtio/balloon/device.h"

#include <algorithm>
#include <array>

namespace proa::vmm::virtio::balloon {
namespace {

constexpr std::uint16_t kQueueSize = 128;

}  // namespace

std::vector<std::uint16_t> BalloonDevice::queue_sizes() const {
  return {kQueueSize, kQueueSize, kQueueSize};
}

void BalloonDevice::read_config(std::uint64_t offset, MutableByteSpan into) const {
  BalloonConfig config;
  config.wanted = wanted_.load();
  config.actual = actual_.load();
  read_config_bytes(bytes_of(config), offset, into);
}

void BalloonDevice::write_config(std::uint64_t offset, ByteSpan from) {
  if (offset != offsetof(BalloonConfig, actual) || from.size() != sizeof(Le32)) return;
  actual_ = copy_from<Le32>(from);
}

void BalloonDevice::set_wanted(std::uint32_t pages) {
  wanted_ = pages;
  if (activation_.host != nullptr) activation_.host->config_changed();
}

Result<void> BalloonDevice::activate(const Activation& activation) {
  activation_ = activation;
  return {};
}

void BalloonDevice::reset() {
  actual_ = 0;
  activation_ = {};
}

Result<void> BalloonDevice::process(std::uint16_t queue) {
  return serve_all(*activation_.queues[queue], *activation_.host, queue, chain_,
                   [this, queue](const Chain& chain) -> Result<std::uint32_t> {
                     // A page comes back to the guest by being touched: deflating needs nothing.
                     if (queue == kInflate) TRY(take_pages(chain));
                     if (queue == kReporting) TRY(take_free(chain));
                     return std::uint32_t{0};
                   });
}

// The buffers hold page numbers; neighbours go in one call.
Result<void> BalloonDevice::take_pages(const Chain& chain) {
  std::array<Le32, 256> numbers;
  Cursor cursor = Cursor::readable(chain);
  GuestRange run;
  while (cursor.remaining() >= sizeof(Le32)) {
    const auto count = std::min<std::uint64_t>(cursor.remaining() / sizeof(Le32), numbers.size());
    const auto batch = std::span(numbers).first(count);
    TRY(cursor.read(*activation_.memory, std::as_writable_bytes(batch)));
    for (const Le32& number : batch) {
      const GuestAddr page{std::uint64_t{number} * kPageSize};
      if (run.size != 0 && page == run.start + run.size) {
        run.size += kPageSize;
        continue;
      }
      if (run.size != 0) TRY(activation_.memory->discard(run.start, run.size));
      run = {page, kPageSize};
    }
  }
  if (run.size != 0) TRY(activation_.memory->discard(run.start, run.size));
  return {};
}

// The buffers are the free pages themselves.
Result<void> BalloonDevice::take_free(const Chain& chain) {
  for (const Segment& segment : chain.writable) {
    TRY(activation_.memory->discard(segment.address, segment.length));
  }
  return {};
}

}  // namespace proa::vmm::virtio::balloon
