#include "kernel/block/partition.h"

#include <linux/blkpg.h>
#include <sys/ioctl.h>

#include <utility>

namespace proa::block {

Result<void> add_partition(FdRef disk, int number, std::uint64_t offset, std::uint64_t length) {
  if (!std::in_range<long long>(offset) || !std::in_range<long long>(length)) {
    return fail(ErrorKind::invalid_argument, "a partition lies beyond the end of any disk");
  }
  blkpg_partition partition = {};
  partition.start = static_cast<long long>(offset);
  partition.length = static_cast<long long>(length);
  partition.pno = number;
  blkpg_ioctl_arg argument = {BLKPG_ADD_PARTITION, 0, sizeof partition, &partition};
  if (::ioctl(disk.get(), BLKPG, &argument) != 0) return fail_errno("adding partition ", number);
  return {};
}

}  // namespace proa::block
