#include "vmm/memory/layout.h"

#include <algorithm>

#include "base/number.h"

namespace proa::vmm {

Result<MemoryLayout> plan_memory(std::uint64_t size) {
  if (size < kMinMemory || size > kMaxMemory || size % kHugePageSize != 0) {
    return fail(ErrorKind::invalid_argument, "guest memory of ", size,
                " bytes: must be a multiple of 2 MiB, at most 1 TiB");
  }
  MemoryLayout layout;
  const std::uint64_t low = std::min(size, kLowMemoryEnd.value);
  layout.ram.push_back({{0}, low});
  if (size > low) layout.ram.push_back({kHighMemoryStart, size - low});
  const std::uint64_t end = kHighMemoryStart.value + (size - low);
  layout.pmem_window = {{align_up(end, kGiB)}, kPmemWindowSize};
  layout.pci_window64 = {layout.pmem_window.start + kPmemWindowSize, kPciWindow64Size};
  return layout;
}

}  // namespace proa::vmm
