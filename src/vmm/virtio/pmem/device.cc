#include "vmm/virtio/pmem/device.h"

#include <sys/mman.h>

#include <utility>

#include "base/number.h"
#include "kernel/file/file.h"

namespace proa::vmm::virtio::pmem {
namespace {

constexpr std::uint16_t kQueueSize = 64;

}  // namespace

Result<FileMapping> FileMapping::create(FdRef file) {
  const struct stat status = TRY(file::stat(file));
  if (!S_ISREG(status.st_mode) || status.st_size <= 0) {
    return fail(ErrorKind::invalid_argument, "no file of at least one byte");
  }
  const auto length = static_cast<std::uint64_t>(status.st_size);
  if (length > kPmemWindowSize) {
    return fail(ErrorKind::invalid_argument, "a file of ", length, " bytes");
  }
  const std::uint64_t size = align_up(length, kHugePageSize);
  void* const base =
      ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return fail_errno("reserving ", size, " bytes of address space");
  FileMapping mapping(reinterpret_cast<std::uintptr_t>(base), size);
  if (::mmap(base, length, PROT_READ, MAP_SHARED | MAP_FIXED, file.get(), 0) == MAP_FAILED) {
    return fail_errno("mapping ", length, " bytes");
  }
  return mapping;
}

FileMapping::FileMapping(FileMapping&& other) noexcept
    : address_(std::exchange(other.address_, 0)), size_(other.size_) {}

FileMapping::~FileMapping() {
  if (address_ != 0) ::munmap(reinterpret_cast<void*>(address_), size_);
}

void PmemDevice::place(GuestAddr start) {
  config_.start = start.value;
  config_.size = mapping_.size();
}

std::vector<std::uint16_t> PmemDevice::queue_sizes() const { return {kQueueSize}; }

void PmemDevice::read_config(std::uint64_t offset, MutableByteSpan into) const {
  read_config_bytes(bytes_of(config_), offset, into);
}

Result<void> PmemDevice::activate(const Activation& activation) {
  activation_ = activation;
  return {};
}

Result<void> PmemDevice::process(std::uint16_t queue) {
  return serve_all(*activation_.queues[queue], *activation_.host, queue, chain_,
                   [this](const Chain& chain) { return flush(chain); });
}

// Nothing was ever written: every flush is done already.
Result<std::uint32_t> PmemDevice::flush(const Chain& chain) {
  Cursor readable = Cursor::readable(chain);
  const auto request = TRY(readable.read_object<FlushRequest>(*activation_.memory));
  FlushAnswer answer;
  answer.result = request.type == kFlush ? 0 : 1;
  Cursor writable = Cursor::writable(chain);
  TRY(writable.write(*activation_.memory, bytes_of(answer)));
  return std::uint32_t{sizeof answer};
}

}  // namespace proa::vmm::virtio::pmem
