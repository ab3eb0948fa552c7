#include "vmm/virtio/core/queue.h"

#include <atomic>
#include <bit>

namespace proa::vmm::virtio {
namespace {

// virtio 1.2, 2.7.5
struct Descriptor {
  Le64 address;
  Le32 length;
  Le16 flags;
  Le16 next;
};
static_assert(sizeof(Descriptor) == 16);

// virtio 1.2, 2.7.8
struct UsedElement {
  Le32 head;
  Le32 written;
};
static_assert(sizeof(UsedElement) == 8);

constexpr std::uint16_t kNext = 1;
constexpr std::uint16_t kWrite = 2;
constexpr std::uint16_t kIndirect = 4;

constexpr std::uint16_t kNoInterrupt = 1;  // in the driver area's flags
constexpr std::uint16_t kNoKick = 1;       // in the device area's flags

constexpr std::uint16_t kMaxQueueSize = 32768;
constexpr std::uint64_t kRingHeader = 4;  // flags and index, before both rings
constexpr std::uint64_t kIndexOffset = 2;
constexpr std::uint64_t kEventSize = 2;

template <typename... Pieces>
Error fault(const Pieces&... pieces) {
  return fail(ErrorKind::guest_fault, pieces...);
}

Result<void> check_area(const GuestMemory& memory, GuestAddr start, std::uint64_t size,
                        std::uint64_t alignment, const char* what) {
  if (start.value % alignment != 0) return fault("the queue's ", what, " is not aligned");
  if (!memory.contains(start, size)) return fault("the queue's ", what, " is not guest memory");
  return {};
}

Result<void> append(Chain& chain, const Descriptor& descriptor) {
  const bool writable = (descriptor.flags & kWrite) != 0;
  if (!writable && !chain.writable.empty()) {
    return fault("a buffer to read follows one to write");
  }
  auto& segments = writable ? chain.writable : chain.readable;
  segments.push_back({GuestAddr{descriptor.address}, descriptor.length});
  (writable ? chain.writable_length : chain.readable_length) += descriptor.length;
  return {};
}

// Orders our writes before our later reads, for the guest too. A locked instruction does that on
// x86; the standard's fence is one that ThreadSanitizer does not know and gcc therefore refuses.
void full_fence() {
  thread_local std::atomic<std::uint32_t> word = 0;
  word.fetch_add(1, std::memory_order_seq_cst);
}

// Whether `event` lies in the step from `before` to `after` (virtio 1.2, 2.7.10).
bool crosses(std::uint16_t event, std::uint16_t after, std::uint16_t before) {
  return static_cast<std::uint16_t>(after - event - 1) < static_cast<std::uint16_t>(after - before);
}

}  // namespace

Result<Queue> Queue::create(GuestMemory& memory, const QueueLayout& layout,
                            std::uint64_t features) {
  if (!std::has_single_bit(layout.size) || layout.size > kMaxQueueSize) {
    return fault("a queue of ", layout.size, " descriptors");
  }
  const std::uint64_t size = layout.size;
  TRY(check_area(memory, layout.descriptors, size * sizeof(Descriptor), 16, "descriptor table"));
  TRY(check_area(memory, layout.driver_area, kRingHeader + 2 * size + kEventSize, 2,
                 "driver area"));
  TRY(check_area(memory, layout.device_area, kRingHeader + sizeof(UsedElement) * size + kEventSize,
                 4, "device area"));
  return Queue(memory, layout, features);
}

GuestAddr Queue::available_slot(std::uint16_t index) const {
  const std::uint64_t slot = index & (layout_.size - 1U);
  return layout_.driver_area + kRingHeader + sizeof(std::uint16_t) * slot;
}

GuestAddr Queue::used_slot(std::uint16_t index) const {
  const std::uint64_t slot = index & (layout_.size - 1U);
  return layout_.device_area + kRingHeader + sizeof(UsedElement) * slot;
}

GuestAddr Queue::used_event() const {
  return layout_.driver_area + kRingHeader + sizeof(std::uint16_t) * std::uint64_t{layout_.size};
}

GuestAddr Queue::available_event() const {
  return layout_.device_area + kRingHeader + sizeof(UsedElement) * std::uint64_t{layout_.size};
}

Result<void> Queue::refresh_available() {
  known_available_ = TRY(memory_->load_acquire16(layout_.driver_area + kIndexOffset));
  const auto waiting = static_cast<std::uint16_t>(known_available_ - next_available_);
  if (waiting > layout_.size) {
    return fault("the driver offers ", waiting, " chains in a queue of ", layout_.size);
  }
  return {};
}

Result<bool> Queue::pop(Chain& chain) {
  if (known_available_ == next_available_) {
    TRY(refresh_available());
    if (known_available_ == next_available_) return false;
  }
  const std::uint16_t head = TRY(memory_->read_object<Le16>(available_slot(next_available_)));
  TRY(walk(head, chain));
  ++next_available_;
  return true;
}

Result<void> Queue::walk(std::uint16_t head, Chain& chain) {
  chain.head = head;
  chain.readable.clear();
  chain.writable.clear();
  chain.readable_length = 0;
  chain.writable_length = 0;
  const auto indirect = TRY(walk_table(layout_.descriptors, layout_.size, head, chain));
  if (!indirect.has_value()) return {};
  if ((features_ & kFeatureIndirect) == 0) return fault("an indirect table not agreed upon");
  constexpr std::uint32_t kEntry = sizeof(Descriptor);
  const std::uint32_t entries = indirect->length / kEntry;
  if (entries == 0 || entries > kMaxSegments || indirect->length % kEntry != 0) {
    return fault("an indirect table of ", indirect->length, " bytes");
  }
  const auto nested =
      TRY(walk_table(indirect->address, static_cast<std::uint16_t>(entries), 0, chain));
  if (nested.has_value()) return fault("an indirect table inside another");
  return {};
}

Result<std::optional<Segment>> Queue::walk_table(GuestAddr table, std::uint16_t size,
                                                 std::uint16_t first, Chain& chain) {
  std::uint16_t index = first;
  // A chain that visits more descriptors than there are has a loop in it.
  for (std::uint16_t visited = 0; visited < size; ++visited) {
    if (index >= size) return fault("descriptor ", index, " of ", size);
    const auto descriptor =
        TRY(memory_->read_object<Descriptor>(table + sizeof(Descriptor) * index));
    const bool last = (descriptor.flags & kNext) == 0;
    if ((descriptor.flags & kIndirect) != 0) {
      if (!last) return fault("a chain that goes on behind its indirect table");
      return std::optional<Segment>({GuestAddr{descriptor.address}, descriptor.length});
    }
    if (chain.readable.size() + chain.writable.size() == kMaxSegments) {
      return fault("a chain of more than ", kMaxSegments, " buffers");
    }
    TRY(append(chain, descriptor));
    if (last) return std::optional<Segment>();
    index = descriptor.next;
  }
  return fault("a chain with a loop");
}

Result<void> Queue::push(std::uint16_t head, std::uint32_t written) {
  TRY(memory_->write_object(used_slot(next_used_), UsedElement{head, written}));
  ++next_used_;
  return {};
}

Result<bool> Queue::flush() {
  if (published_used_ == next_used_) return false;
  const std::uint16_t before = announced_used_.value_or(published_used_);
  const bool first = !announced_used_.has_value();
  published_used_ = next_used_;
  announced_used_ = next_used_;
  TRY(memory_->store_release16(layout_.device_area + kIndexOffset, next_used_));
  // The driver asks for interrupts and then looks at the index; we write the index and then look
  // at what it asks for. Without a full fence on both sides each could miss the other.
  full_fence();
  if (!event_index()) {
    const std::uint16_t flags = TRY(memory_->load_acquire16(layout_.driver_area));
    return (flags & kNoInterrupt) == 0;
  }
  const std::uint16_t event = TRY(memory_->load_acquire16(used_event()));
  return first || crosses(event, next_used_, before);
}

Result<void> Queue::disable_kicks() {
  if (event_index()) return {};
  return memory_->store_release16(layout_.device_area, kNoKick);
}

Result<bool> Queue::enable_kicks() {
  if (event_index()) {
    TRY(memory_->store_release16(available_event(), next_available_));
  } else {
    TRY(memory_->store_release16(layout_.device_area, 0));
  }
  full_fence();
  TRY(refresh_available());
  return known_available_ != next_available_;
}

void Queue::save(StateWriter& writer) const {
  writer.number(next_available_);
  writer.number(next_used_);
}

Result<void> Queue::restore(StateReader& reader) {
  next_available_ = TRY(reader.number<std::uint16_t>());
  next_used_ = TRY(reader.number<std::uint16_t>());
  known_available_ = next_available_;
  published_used_ = next_used_;
  announced_used_.reset();
  return {};
}

}  // namespace proa::vmm::virtio
