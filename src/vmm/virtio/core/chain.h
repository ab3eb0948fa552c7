// A driver's request as the device sees it: the buffers of one descriptor chain, copied out of
// guest memory and checked once, and a cursor that walks them.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <vector>

#include "vmm/memory/guest_memory.h"

namespace proa::vmm::virtio {

// One buffer. The address is the driver's word: GuestMemory checks it at every use.
struct Segment {
  GuestAddr address;
  std::uint32_t length = 0;
};

// Owner: the device that popped it. Thread: the device's worker. Filled by Queue::pop; the vectors
// keep their room, so a chain that is used again allocates nothing.
struct Chain {
  std::uint16_t head = 0;  // what Queue::push wants back
  std::vector<Segment> readable;
  std::vector<Segment> writable;
  std::uint64_t readable_length = 0;
  std::uint64_t writable_length = 0;
};

// Walks segments from front to back. Owner: borrows them. Thread: a value.
class Cursor {
 public:
  Cursor() = default;
  Cursor(std::span<const Segment> segments, std::uint64_t length)
      : segments_(segments), remaining_(length) {}
  static Cursor readable(const Chain& chain) { return {chain.readable, chain.readable_length}; }
  static Cursor writable(const Chain& chain) { return {chain.writable, chain.writable_length}; }

  std::uint64_t remaining() const { return remaining_; }

  // Copies between the segments and ours, and goes on behind.
  //
  // Errors: guest_fault (less remains, or a segment is not guest memory)
  Result<void> read(const GuestMemory& memory, MutableByteSpan into);
  Result<void> write(GuestMemory& memory, ByteSpan from);
  template <typename Layout>
    requires std::is_trivially_copyable_v<Layout>
  Result<Layout> read_object(const GuestMemory& memory) {
    Layout object;
    TRY(read(memory, std::as_writable_bytes(std::span<Layout, 1>(&object, 1))));
    return object;
  }

  // Appends the next `length` bytes as buffers for a system call, and goes on behind.
  //
  // Errors: guest_fault, as above
  Result<void> gather(const GuestMemory& memory, std::uint64_t length, std::vector<iovec>& buffers);

  // Goes on behind the next `length` bytes.
  //
  // Errors: guest_fault (less remains)
  Result<void> skip(std::uint64_t length);

 private:
  // The next piece of at most `limit` bytes within one segment. At least one byte remains.
  Segment next(std::uint64_t limit);
  Result<void> check(std::uint64_t length) const;

  std::span<const Segment> segments_;
  std::uint32_t offset_ = 0;  // into the first segment
  std::uint64_t remaining_ = 0;
};

}  // namespace proa::vmm::virtio
