#include "vmm/virtio/block/disk.h"

#include <algorithm>

#include "base/number.h"
#include "vmm/virtio/block/config.h"

namespace proa::vmm::virtio::block {

Result<Disk> Disk::create(std::vector<Extent> extents, Access access) {
  // File offsets are signed for the kernel.
  constexpr std::uint64_t kLargest = std::uint64_t{1} << 62;
  if (extents.empty()) return fail(ErrorKind::invalid_argument, "a disk without extents");
  if (access == Access::writable && extents.size() != 1) {
    return fail(ErrorKind::invalid_argument, "a writable disk of ", extents.size(), " files");
  }
  std::vector<std::uint64_t> starts;
  std::uint64_t size = 0;
  for (const Extent& extent : extents) {
    if (extent.length == 0 || (extent.offset | extent.length) % kSectorSize != 0 ||
        TRY(checked_add(extent.offset, extent.length)) > kLargest) {
      return fail(ErrorKind::invalid_argument, "a disk extent of ", extent.length, " bytes at ",
                  extent.offset);
    }
    starts.push_back(size);
    size = TRY(checked_add(size, extent.length));
  }
  Disk disk(std::move(extents), access, size);
  disk.starts_ = std::move(starts);
  return disk;
}

Disk::Piece Disk::piece(std::uint64_t offset, std::uint64_t length) const {
  const auto after = std::ranges::upper_bound(starts_, offset);
  const auto index = static_cast<std::size_t>(after - starts_.begin()) - 1;
  const Extent& extent = extents_[index];
  const std::uint64_t within = offset - starts_[index];
  return {extent.file, extent.offset + within, std::min(length, extent.length - within)};
}

}  // namespace proa::vmm::virtio::block
