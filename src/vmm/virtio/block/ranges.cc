// Discard and write zeroes (virtio 1.2, 5.2.6): ranges that the host's file system frees or clears.
#include <fcntl.h>

#include "vmm/virtio/block/device.h"

namespace proa::vmm::virtio::block {
namespace {

constexpr std::uint64_t kMaxRanges = 16;

int mode_of(RequestType type, const RangeSegment& range) {
  const bool frees = type == RequestType::discard || (range.flags & kRangeUnmap) != 0;
  return (frees ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE) | FALLOC_FL_KEEP_SIZE;
}

}  // namespace

Result<void> BlockDevice::change_ranges(std::size_t slot, Cursor data) {
  Request& request = requests_[slot];
  const RequestType type = request.type;
  const std::uint64_t count = data.remaining() / sizeof(RangeSegment);
  if (count == 0 || count > kMaxRanges || data.remaining() % sizeof(RangeSegment) != 0) {
    return fail(ErrorKind::guest_fault, "a list of ranges of ", data.remaining(), " bytes");
  }
  if (disk_.access() == Access::read_only) {
    request.status = RequestStatus::io_error;
    return {};
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto range = TRY(data.read_object<RangeSegment>(*activation_.memory));
    const std::uint64_t length = std::uint64_t{range.sectors} * kSectorSize;
    // A discard must not have flags (5.2.6.2), and no range leaves the disk.
    const std::uint32_t allowed = type == RequestType::discard ? 0 : kRangeUnmap;
    if (!inside(range.sector, length) || (range.flags & ~allowed) != 0) {
      request.status =
          (range.flags & ~allowed) != 0 ? RequestStatus::unsupported : RequestStatus::io_error;
      return {};
    }
    if (length == 0) continue;
    const Disk::Piece piece = disk_.piece(range.sector * kSectorSize, length);
    const std::uint64_t token = (slot << 32) | request.expected.size();
    TRY(uring_.allocate(piece.file, mode_of(type, range), piece.offset, piece.length, token));
    request.expected.push_back(0);
    ++request.outstanding;
    ++operations_;
  }
  return {};
}

}  // namespace proa::vmm::virtio::block
