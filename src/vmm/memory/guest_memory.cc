#include "vmm/memory/guest_memory.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/number.h"
#include "kernel/file/file.h"

namespace proa::vmm {
namespace {

std::uint64_t total(const MemoryLayout& layout) {
  std::uint64_t size = 0;
  for (const GuestRange& range : layout.ram) size += range.size;
  return size;
}

// Reserves address space of `size` bytes that starts on a huge page.
Result<std::byte*> reserve_aligned(std::uint64_t size) {
  const std::uint64_t padded = size + kHugePageSize;
  void* const reserved =
      ::mmap(nullptr, padded, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return fail_errno("reserving ", padded, " bytes of address space");
  auto* const start = static_cast<std::byte*>(reserved);
  const auto number = reinterpret_cast<std::uintptr_t>(reserved);
  const std::uint64_t before = align_up(std::uint64_t{number}, kHugePageSize) - number;
  if (before != 0) ::munmap(start, before);
  if (before != kHugePageSize) ::munmap(start + before + size, kHugePageSize - before);
  return start + before;
}

// Whether mincore() tells which pages were touched: a page that was swapped out is absent to it.
bool mincore_tells_all() {
  struct sysinfo host = {};
  return ::sysinfo(&host) == 0 && host.totalswap == 0;
}

bool is_zero(const std::byte* page) {
  // Every byte equals its successor, and the first is zero.
  return page[0] == std::byte{0} && std::memcmp(page, page + 1, kPageSize - 1) == 0;
}

}  // namespace

Result<GuestMemory> GuestMemory::map(const MemoryLayout& layout, FdRef file, int flags) {
  GuestMemory memory;
  const std::uint64_t size = total(layout);
  memory.base_ = TRY(reserve_aligned(size));
  memory.size_ = size;
  if (::mmap(memory.base_, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED | MAP_NORESERVE,
             file.get(), 0) == MAP_FAILED) {
    return fail_errno("mapping ", size, " bytes of guest memory");
  }
  // Huge pages make a guest's boot a third shorter. A kernel built without them refuses, and
  // a core dump with a guest's secrets in it helps nobody; neither refusal stops a guest.
  ::madvise(memory.base_, size, MADV_HUGEPAGE);
  ::madvise(memory.base_, size, MADV_DONTDUMP);
  std::uint64_t offset = 0;
  for (const GuestRange& range : layout.ram) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory.base_ + offset);
    memory.regions_.push_back({range, address, offset});
    offset += range.size;
  }
  return memory;
}

Result<GuestMemory> GuestMemory::create(const MemoryLayout& layout, MemoryBacking backing) {
  if (backing == MemoryBacking::anonymous) {
    return map(layout, FdRef(-1), MAP_PRIVATE | MAP_ANONYMOUS);
  }
  Fd file(::memfd_create("guest-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return fail_errno("making a memfd for guest memory");
  if (::ftruncate(file.get(), static_cast<off_t>(total(layout))) != 0) {
    return fail_errno("sizing the memfd for guest memory");
  }
  // The peer that maps it too must not be able to cut it short under us.
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return fail_errno("sealing the memfd for guest memory");
  }
  GuestMemory memory = TRY(map(layout, file, MAP_SHARED));
  memory.shared_file_ = std::move(file);
  return memory;
}

Result<GuestMemory> GuestMemory::map_private(const MemoryLayout& layout, FdRef file) {
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) return fail_errno("looking at the memory file");
  if (static_cast<std::uint64_t>(status.st_size) != total(layout)) {
    return fail(ErrorKind::corrupt, "the memory file has ", status.st_size, " bytes, the guest ",
                total(layout));
  }
  GuestMemory memory = TRY(map(layout, file, MAP_PRIVATE));
  memory.mapped_from_file_ = true;
  return memory;
}

GuestMemory::GuestMemory(GuestMemory&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      regions_(std::move(other.regions_)),
      shared_file_(std::move(other.shared_file_)),
      mapped_from_file_(other.mapped_from_file_) {}

GuestMemory::~GuestMemory() {
  if (base_ != nullptr) ::munmap(base_, size_);
}

std::optional<FdRef> GuestMemory::shared_file() const {
  if (!shared_file_.valid()) return std::nullopt;
  return FdRef(shared_file_);
}

std::uint64_t GuestMemory::resident() const {
  constexpr std::uint64_t kChunk = 256 * kMiB;
  std::vector<unsigned char> pages(kChunk / kPageSize);
  std::uint64_t count = 0;
  for (std::uint64_t offset = 0; offset < size_; offset += kChunk) {
    const std::uint64_t length = std::min(kChunk, size_ - offset);
    if (::mincore(base_ + offset, length, pages.data()) != 0) break;
    const auto end = pages.begin() + static_cast<std::ptrdiff_t>(length / kPageSize);
    count += static_cast<std::uint64_t>(
        std::count_if(pages.begin(), end, [](unsigned char page) { return (page & 1) != 0; }));
  }
  return count * kPageSize;
}

Result<void> GuestMemory::write_sparse(FdRef file) const {
  if (::ftruncate(file.get(), 0) != 0 || ::ftruncate(file.get(), static_cast<off_t>(size_)) != 0) {
    return fail_errno("sizing the memory file");
  }
  const bool ask = !mapped_from_file_ && mincore_tells_all();
  std::array<unsigned char, kHugePageSize / kPageSize> resident;
  for (std::uint64_t chunk = 0; chunk < size_; chunk += kHugePageSize) {
    resident.fill(1);
    if (ask && ::mincore(base_ + chunk, kHugePageSize, resident.data()) != 0) {
      return fail_errno("asking which guest pages were touched");
    }
    const auto has_data = [&](std::size_t page) {
      return (resident[page] & 1) != 0 && !is_zero(base_ + chunk + page * kPageSize);
    };
    for (std::size_t page = 0; page < resident.size();) {
      std::size_t end = page;
      while (end < resident.size() && has_data(end)) ++end;
      const std::uint64_t start = chunk + page * kPageSize;
      const ByteSpan run(base_ + start, (end - page) * kPageSize);
      if (!run.empty()) TRY(file::write_all_at(file, run, start), "writing guest memory");
      page = end + 1;
    }
  }
  return {};
}

bool GuestMemory::contains(GuestAddr address, std::uint64_t length) const {
  for (const MemoryRegion& region : regions_) {
    if (region.guest.contains(address, length)) return true;
  }
  return false;
}

Result<std::byte*> GuestMemory::host(GuestAddr address, std::uint64_t length) const {
  for (const MemoryRegion& region : regions_) {
    if (region.guest.contains(address, length)) {
      return base_ + region.file_offset + (address - region.guest.start);
    }
  }
  return fail(ErrorKind::guest_fault, length, " bytes at ", hex(address.value),
              " are not guest memory");
}

Result<void> GuestMemory::read(GuestAddr address, MutableByteSpan into) const {
  const std::byte* const from = TRY(host(address, into.size()));
  std::memcpy(into.data(), from, into.size());
  return {};
}

Result<void> GuestMemory::write(GuestAddr address, ByteSpan from) {
  std::byte* const into = TRY(host(address, from.size()));
  std::memcpy(into, from.data(), from.size());
  return {};
}

Result<void> GuestMemory::fill(GuestAddr address, std::uint8_t value, std::uint64_t length) {
  std::byte* const into = TRY(host(address, length));
  std::memset(into, value, length);
  return {};
}

Result<std::uint16_t> GuestMemory::load_acquire16(GuestAddr address) const {
  if (address.value % sizeof(std::uint16_t) != 0) {
    return fail(ErrorKind::guest_fault, "a 16-bit number at an odd address");
  }
  std::byte* const from = TRY(host(address, sizeof(std::uint16_t)));
  return __atomic_load_n(reinterpret_cast<const std::uint16_t*>(from), __ATOMIC_ACQUIRE);
}

Result<void> GuestMemory::store_release16(GuestAddr address, std::uint16_t value) {
  if (address.value % sizeof(std::uint16_t) != 0) {
    return fail(ErrorKind::guest_fault, "a 16-bit number at an odd address");
  }
  std::byte* const into = TRY(host(address, sizeof(std::uint16_t)));
  __atomic_store_n(reinterpret_cast<std::uint16_t*>(into), value, __ATOMIC_RELEASE);
  return {};
}

Result<iovec> GuestMemory::kernel_buffer(GuestAddr address, std::uint64_t length) const {
  std::byte* const start = TRY(host(address, length));
  return iovec{start, length};
}

Result<void> GuestMemory::discard(GuestAddr address, std::uint64_t length) {
  if (address.value % kPageSize != 0 || length % kPageSize != 0) {
    return fail(ErrorKind::guest_fault, "pages to give back are not whole pages");
  }
  std::byte* const start = TRY(host(address, length));
  // Dropping pages of a shared memfd from our mapping alone would free nothing: punch the hole.
  const int advice = shared_file_.valid() ? MADV_REMOVE : MADV_DONTNEED;
  if (length != 0 && ::madvise(start, length, advice) != 0) {
    return fail_errno("giving guest memory back");
  }
  return {};
}

}  // namespace proa::vmm
