// What a block device stores to: one writable file, or several files joined read-only, so that the
// layers of an image are one disk without being copied.
#pragma once

#include <cstdint>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace proa::vmm::virtio::block {

// `length` bytes of a file from `offset`, both multiples of 512.
struct Extent {
  Fd file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

enum class Access : std::uint8_t { read_only, writable };

// Owner: the block device. Thread: its device's.
class Disk {
 public:
  // Errors: invalid_argument (no extents, odd or too long ones, several of a writable disk)
  static Result<Disk> create(std::vector<Extent> extents, Access access);

  std::uint64_t size() const { return size_; }
  Access access() const { return access_; }
  std::size_t extent_count() const { return extents_.size(); }

  // A range within one extent, as a place in its file.
  struct Piece {
    FdRef file;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };
  // The first piece of `length` bytes at `offset`; they lie inside the disk.
  Piece piece(std::uint64_t offset, std::uint64_t length) const;

 private:
  Disk(std::vector<Extent> extents, Access access, std::uint64_t size)
      : extents_(std::move(extents)), access_(access), size_(size) {}

  std::vector<Extent> extents_;
  std::vector<std::uint64_t> starts_;  // of each extent on the disk
  Access access_;
  std::uint64_t size_;
};

}  // namespace proa::vmm::virtio::block
