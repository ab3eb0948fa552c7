// Where the bytes of a blob come from: a registry, an archive, a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"

namespace proa::image {

// Thread: one at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills the front of `buffer`; 0 means the end, and that it came as it should.
  virtual Result<std::size_t> read(MutableByteSpan buffer) = 0;
  // The pipe that read() takes all it gives from, where there is one.
  virtual std::optional<FdRef> pipe() const { return std::nullopt; }
};

// Opens a source that starts `offset` bytes into the blob.
using OpenSource = std::function<Result<std::unique_ptr<ByteSource>>(std::uint64_t offset)>;

// A source over a file of ours, read by position so that several may share the descriptor.
// Owner: the descriptor is a copy.
std::unique_ptr<ByteSource> file_source(Fd file, std::uint64_t offset);

struct Sum {
  Digest digest;
  std::uint64_t size;  // bytes
};
// Reads a source to its end, and writes what came to `copy`, where that is a file.
Result<Sum> sum_up(ByteSource& source, std::optional<FdRef> copy = std::nullopt);

}  // namespace proa::image
