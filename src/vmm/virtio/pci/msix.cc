#include "vmm/virtio/pci/msix.h"

#include <algorithm>
#include <array>

#include "kernel/event/event_fd.h"
#include "vmm/virtio/core/device.h"

namespace proa::vmm::virtio::pci {
namespace {

constexpr std::uint16_t kControlEnable = 0x8000;
constexpr std::uint16_t kControlMaskAll = 0x4000;
constexpr std::uint32_t kVectorMasked = 1;

struct Entry {
  Le32 address_low;
  Le32 address_high;
  Le32 data;
  Le32 control;
};
static_assert(sizeof(Entry) == kMsixEntrySize);

}  // namespace

bool Msix::enabled() const {
  const std::lock_guard lock(mutex_);
  return enabled_;
}

Result<void> Msix::set_control(std::uint16_t control) {
  const std::lock_guard lock(mutex_);
  enabled_ = (control & kControlEnable) != 0;
  all_masked_ = (control & kControlMaskAll) != 0;
  for (Vector& vector : vectors_) TRY(update(vector));
  return {};
}

Result<void> Msix::update(Vector& vector) {
  const bool live = enabled_ && !all_masked_ && !vector.masked;
  if (!live) {
    if (vector.live) TRY(vector.route->mask());
    vector.live = false;
    return {};
  }
  if (vector.route == nullptr) vector.route = TRY(interrupts_.open_route());
  TRY(vector.route->set(vector.message));
  vector.live = true;
  if (std::exchange(vector.waiting, false)) event::EventFd::signal(vector.route->event());
  return {};
}

void Msix::read_table(std::uint64_t offset, MutableByteSpan into) const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t index = offset / kMsixEntrySize;
  if (index >= vectors_.size()) return;
  const Vector& vector = vectors_[index];
  const Entry entry = {static_cast<std::uint32_t>(vector.message.address),
                       static_cast<std::uint32_t>(vector.message.address >> 32),
                       vector.message.data, vector.masked ? kVectorMasked : 0};
  read_config_bytes(bytes_of(entry), offset % kMsixEntrySize, into);
}

Result<void> Msix::write_table(std::uint64_t offset, ByteSpan from) {
  if (from.size() == 2 * sizeof(Le32)) {
    TRY(write_table(offset, from.first(sizeof(Le32))));
    return write_table(offset + sizeof(Le32), from.subspan(sizeof(Le32)));
  }
  const std::lock_guard lock(mutex_);
  const std::uint64_t index = offset / kMsixEntrySize;
  if (from.size() != sizeof(Le32) || offset % sizeof(Le32) != 0 || index >= vectors_.size()) {
    return {};
  }
  Vector& vector = vectors_[index];
  const std::uint64_t value = copy_from<Le32>(from);
  switch (offset % kMsixEntrySize) {
    case 0:
      vector.message.address = (vector.message.address & 0xffff'ffff'0000'0000) | value;
      break;
    case 4:
      vector.message.address = (vector.message.address & 0xffff'ffff) | (value << 32);
      break;
    case 8:
      vector.message.data = static_cast<std::uint32_t>(value);
      break;
    default:
      vector.masked = (value & kVectorMasked) != 0;
  }
  return update(vector);
}

bool Msix::pending(const Vector& vector) {
  if (vector.route == nullptr) return vector.waiting;
  return !vector.live && event::EventFd::signalled(vector.route->event());
}

void Msix::read_pending(std::uint64_t offset, MutableByteSpan into) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::byte> bits((vectors_.size() + 63) / 64 * 8);
  for (std::size_t i = 0; i < vectors_.size(); ++i) {
    if (pending(vectors_[i])) bits[i / 8] |= std::byte{1} << (i % 8);
  }
  read_config_bytes(bits, offset, into);
}

void Msix::signal(std::uint16_t vector) {
  const std::lock_guard lock(mutex_);
  if (!enabled_ || vector >= vectors_.size()) return;
  if (vectors_[vector].route == nullptr) {
    vectors_[vector].waiting = true;
  } else {
    event::EventFd::signal(vectors_[vector].route->event());
  }
}

void Msix::save(StateWriter& writer) const {
  const std::lock_guard lock(mutex_);
  writer.boolean(enabled_);
  writer.boolean(all_masked_);
  for (const Vector& vector : vectors_) {
    writer.number(vector.message.address);
    writer.number(vector.message.data);
    writer.boolean(vector.masked);
    writer.boolean(pending(vector));
  }
}

Result<void> Msix::restore(StateReader& reader) {
  const std::lock_guard lock(mutex_);
  enabled_ = TRY(reader.boolean());
  all_masked_ = TRY(reader.boolean());
  for (Vector& vector : vectors_) {
    vector.message.address = TRY(reader.number<std::uint64_t>());
    vector.message.data = TRY(reader.number<std::uint32_t>());
    vector.masked = TRY(reader.boolean());
    vector.waiting = TRY(reader.boolean());
    TRY(update(vector));
  }
  return {};
}

}  // namespace proa::vmm::virtio::pci
