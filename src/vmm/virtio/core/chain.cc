#include "vmm/virtio/core/chain.h"

#include <algorithm>

namespace proa::vmm::virtio {

Result<void> Cursor::check(std::uint64_t length) const {
  if (length <= remaining_) return {};
  return fail(ErrorKind::guest_fault, "a request ends after ", remaining_, " of ", length,
              " bytes");
}

Segment Cursor::next(std::uint64_t limit) {
  while (offset_ == segments_.front().length) {
    segments_ = segments_.subspan(1);
    offset_ = 0;
  }
  const Segment& segment = segments_.front();
  const auto length =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, segment.length - offset_));
  const Segment piece = {segment.address + offset_, length};
  offset_ += length;
  remaining_ -= length;
  return piece;
}

Result<void> Cursor::read(const GuestMemory& memory, MutableByteSpan into) {
  TRY(check(into.size()));
  while (!into.empty()) {
    const Segment piece = next(into.size());
    TRY(memory.read(piece.address, into.first(piece.length)));
    into = into.subspan(piece.length);
  }
  return {};
}

Result<void> Cursor::write(GuestMemory& memory, ByteSpan from) {
  TRY(check(from.size()));
  while (!from.empty()) {
    const Segment piece = next(from.size());
    TRY(memory.write(piece.address, from.first(piece.length)));
    from = from.subspan(piece.length);
  }
  return {};
}

Result<void> Cursor::gather(const GuestMemory& memory, std::uint64_t length,
                            std::vector<iovec>& buffers) {
  TRY(check(length));
  while (length != 0) {
    const Segment piece = next(length);
    buffers.push_back(TRY(memory.kernel_buffer(piece.address, piece.length)));
    length -= piece.length;
  }
  return {};
}

Result<void> Cursor::skip(std::uint64_t length) {
  TRY(check(length));
  while (length != 0) length -= next(length).length;
  return {};
}

}  // namespace proa::vmm::virtio
