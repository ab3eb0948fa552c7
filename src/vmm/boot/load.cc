#include "vmm/boot/load.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/number.h"
#include "kernel/file/file.h"
#include "vmm/arch/x86_64/pvh.h"
#include "vmm/boot/bzimage.h"
#include "vmm/boot/elf.h"

namespace proa::vmm::boot {
namespace {

constexpr std::size_t kMaxKernel = std::size_t{512} << 20;
constexpr std::size_t kHeaderBytes = 1024;

Result<std::uint64_t> size_of(FdRef file) {
  const struct stat status = TRY(file::stat(file));
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::invalid_argument, "not a regular file");
  return static_cast<std::uint64_t>(status.st_size);
}

// Lets the kernel copy file bytes into guest memory; ours never hold them.
Result<void> read_into_guest(FdRef file, std::uint64_t offset, GuestRange guest,
                             GuestMemory& memory) {
  const iovec buffer = TRY(memory.kernel_buffer(guest.start, guest.size));
  return file::read_exact_at(
      file, MutableByteSpan(static_cast<std::byte*>(buffer.iov_base), buffer.iov_len), offset);
}

// Checks that a segment is above what we put into the first MiB ourselves.
Result<void> check_place(const ElfSegment& segment, const GuestMemory& memory) {
  if (segment.guest.start < x86_64::kKernelStart ||
      !memory.contains(segment.guest.start, segment.guest.size)) {
    return fail(ErrorKind::exhausted, "the kernel wants ", segment.guest.size, " bytes at ",
                hex(segment.guest.start.value), ", where the guest has no free memory");
  }
  return {};
}

Result<LoadedKernel> load_unpacked(const std::vector<std::byte>& elf, GuestMemory& memory) {
  const ElfKernel kernel = TRY(parse_elf(elf));
  for (const ElfSegment& segment : kernel.segments) {
    TRY(check_place(segment, memory));
    TRY(memory.write(segment.guest.start,
                     ByteSpan(elf).subspan(segment.file_offset, segment.file_size)));
  }
  return LoadedKernel{kernel.entry, kernel.end};
}

Result<std::vector<std::byte>> read_whole(FdRef file, std::uint64_t size) {
  if (size > kMaxKernel) return fail(ErrorKind::exhausted, "the kernel has ", size, " bytes");
  std::vector<std::byte> bytes(size);
  TRY(file::read_exact_at(file, bytes, 0));
  return bytes;
}

}  // namespace

Result<LoadedKernel> load_kernel(FdRef file, GuestMemory& memory) {
  const std::uint64_t size = TRY(size_of(file), "looking at the kernel");
  std::vector<std::byte> start(std::min<std::uint64_t>(size, kHeaderBytes));
  TRY(file::read_exact_at(file, start, 0), "reading the kernel");
  if (is_bzimage(start)) {
    const std::vector<std::byte> packed = TRY(read_whole(file, size), "reading the kernel");
    const std::vector<std::byte> elf = TRY(unpack_bzimage(packed, kMaxKernel));
    return load_unpacked(elf, memory);
  }
  const ElfKernel kernel = TRY(parse_elf(size, [&](std::uint64_t offset, MutableByteSpan into) {
    return file::read_exact_at(file, into, offset);
  }));
  for (const ElfSegment& segment : kernel.segments) {
    TRY(check_place(segment, memory));
    // What the file does not fill is zero already: the memory is fresh.
    TRY(read_into_guest(file, segment.file_offset, {segment.guest.start, segment.file_size},
                        memory),
        "reading the kernel");
  }
  return LoadedKernel{kernel.entry, kernel.end};
}

Result<GuestRange> load_initrd(FdRef file, GuestAddr kernel_end, GuestMemory& memory) {
  const std::uint64_t size = TRY(size_of(file), "looking at the initramfs");
  const GuestRange low = memory.regions().front().guest;
  const std::uint64_t end = low.start.value + low.size;
  const std::uint64_t first = align_up(std::max(kernel_end, x86_64::kKernelStart).value, kPageSize);
  if (size == 0 || first > end || size > end - first) {
    return fail(ErrorKind::exhausted, "an initramfs of ", size, " bytes does not fit behind the ",
                "kernel");
  }
  const GuestRange range{{(end - size) & ~(kPageSize - 1)}, size};
  TRY(read_into_guest(file, 0, range, memory), "reading the initramfs");
  return range;
}

}  // namespace proa::vmm::boot
