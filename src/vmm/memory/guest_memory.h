// The guest's RAM: one host mapping behind one or two guest ranges. All access is by checked
// copies; no pointer or reference into it leaves this class, because the guest changes the bytes
// at any time. What must be decided upon is copied out first and then decided upon.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "vmm/memory/layout.h"

namespace proa::vmm {

enum class MemoryBacking : std::uint8_t {
  anonymous,  // private, huge pages advised: the default
  shared,     // a memfd, for devices that another process serves (vhost-user)
};

// A piece of guest RAM as KVM and vhost-user want it described.
struct MemoryRegion {
  GuestRange guest;
  std::uint64_t host_address = 0;  // in this process
  std::uint64_t file_offset = 0;   // in the memfd or the memory file
};

// Owner: the machine; devices borrow it. Thread: any number at once; bytes that two threads (or
// the guest) write at the same time end up as one, the other or a mix, never worse.
class GuestMemory {
 public:
  // Makes zeroed RAM of the layout's size, aligned to 2 MiB.
  static Result<GuestMemory> create(const MemoryLayout& layout, MemoryBacking backing);
  // Maps a snapshot's memory file privately: pages come in when touched and never go back to it.
  //
  // Errors: corrupt (the file is not as long as the RAM)
  static Result<GuestMemory> map_private(const MemoryLayout& layout, FdRef file);

  GuestMemory(GuestMemory&& other) noexcept;
  GuestMemory& operator=(GuestMemory&&) = delete;
  GuestMemory(const GuestMemory&) = delete;
  ~GuestMemory();

  const std::vector<MemoryRegion>& regions() const { return regions_; }
  std::uint64_t size() const { return size_; }
  // The memfd of a shared backing; nothing otherwise.
  std::optional<FdRef> shared_file() const;
  // Bytes that the host holds for it now; a look at every page, so not for hot paths.
  std::uint64_t resident() const;
  // Writes the RAM to a file as long as it, leaving holes where pages are zero. The guest must not
  // run meanwhile.
  Result<void> write_sparse(FdRef file) const;
  // Whether `length` bytes at `address` are all RAM of one region.
  bool contains(GuestAddr address, std::uint64_t length) const;

  // Copies between guest RAM and ours.
  //
  // Errors: guest_fault (not all of it is RAM; nothing was copied)
  Result<void> read(GuestAddr address, MutableByteSpan into) const;
  Result<void> write(GuestAddr address, ByteSpan from);
  template <typename Layout>
    requires std::is_trivially_copyable_v<Layout>
  Result<Layout> read_object(GuestAddr address) const {
    Layout object;
    TRY(read(address, std::as_writable_bytes(std::span<Layout, 1>(&object, 1))));
    return object;
  }
  template <typename Layout>
    requires std::is_trivially_copyable_v<Layout>
  Result<void> write_object(GuestAddr address, const Layout& object) {
    return write(address, bytes_of(object));
  }
  Result<void> fill(GuestAddr address, std::uint8_t value, std::uint64_t length);

  // One naturally aligned little-endian number that guest and device synchronise on (ring
  // indexes and flags): acquire on load, release on store.
  //
  // Errors: guest_fault (no RAM, not aligned)
  Result<std::uint16_t> load_acquire16(GuestAddr address) const;
  Result<void> store_release16(GuestAddr address, std::uint16_t value);

  // Describes a range for a system call that copies by itself (readv, io_uring, sendmsg) or for
  // a peer that shares the memory. Our own code never dereferences it.
  //
  // Errors: guest_fault (not all of it is RAM)
  Result<iovec> kernel_buffer(GuestAddr address, std::uint64_t length) const;

  // Gives whole pages back to the host (balloon, page reporting). They read as zeros afterwards,
  // or, on map_private memory, as the guest's own bytes at the time of the snapshot.
  //
  // Shape:  both numbers multiples of 4 KiB
  // Errors: guest_fault (no RAM, not aligned)
  Result<void> discard(GuestAddr address, std::uint64_t length);

 private:
  GuestMemory() = default;
  static Result<GuestMemory> map(const MemoryLayout& layout, FdRef file, int flags);
  // Where the range is in this process.
  Result<std::byte*> host(GuestAddr address, std::uint64_t length) const;

  std::byte* base_ = nullptr;
  std::uint64_t size_ = 0;
  std::vector<MemoryRegion> regions_;
  Fd shared_file_;
  bool mapped_from_file_ = false;  // privately: pages that are not resident may hold data
};

}  // namespace proa::vmm
