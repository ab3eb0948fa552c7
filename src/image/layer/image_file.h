// The layer file while it is being written: bytes at growing offsets, gathered into large writes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"

namespace proa::image {

// Owner: borrows the descriptor. Thread: one at a time.
class ImageFile {
 public:
  // Begins behind the block of the superblock. The file is empty.
  ImageFile(FdRef file, std::uint64_t limit);

  std::uint64_t offset() const { return start_ + filled_; }
  // Errors: exhausted (the limit), what the file system said
  Result<void> append(ByteSpan bytes);
  // Leaves a hole, or zeros, up to `offset`, which is not behind.
  Result<void> skip_to(std::uint64_t offset);
  Result<void> align_to_block();
  // Writes out what is gathered and gives the file its final length, a hole at the end.
  Result<void> finish(std::uint64_t length);
  // Writes at an offset that has been passed: the superblock.
  Result<void> write_at(ByteSpan bytes, std::uint64_t offset);

  // Hashes all that is appended from here on, until the digest is taken.
  void begin_digest();
  Digest take_digest();

 private:
  Result<void> flush();

  FdRef file_;
  std::uint64_t limit_;
  std::uint64_t start_;
  std::size_t filled_ = 0;
  std::vector<std::byte> buffer_;
  std::optional<Sha256> hash_;
};

}  // namespace proa::image
