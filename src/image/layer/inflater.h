// Inflater undoes a blob's compression as it streams in: gzip by ISA-L, zstd by libzstd, or
// nothing, told apart by the first bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "image/layer/layer_writer.h"

namespace proa::image {

// Takes what comes out, in place: no copy lies between decompression and whoever hashes.
class InflateOutput {
 public:
  InflateOutput() = default;
  InflateOutput(const InflateOutput&) = delete;
  InflateOutput& operator=(const InflateOutput&) = delete;
  virtual ~InflateOutput() = default;

  // Room for the next bytes, never empty.
  virtual Result<MutableByteSpan> space() = 0;
  // The first `count` bytes of the room last given are there.
  virtual Result<void> filled(std::size_t count) = 0;
};

// Owner: borrows the output. Thread: one at a time.
class Inflater {
 public:
  explicit Inflater(InflateOutput& output);
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater();

  // Errors: corrupt (damaged), unsupported (bzip2, xz), the output's own
  Result<void> write(ByteSpan blob);
  // Errors: corrupt (the stream ends early)
  Result<void> finish();

  // Known once the first bytes are there; `none` for an empty blob.
  Compression compression() const { return compression_; }

 private:
  struct Gzip;
  struct Zstd;

  Result<void> detect();
  Result<void> pass(ByteSpan blob);
  Result<void> copy(ByteSpan blob);
  Result<void> inflate_gzip(ByteSpan blob);
  Result<void> inflate_zstd(ByteSpan blob);

  InflateOutput& output_;
  Compression compression_ = Compression::none;
  bool is_detected_ = false;
  std::string first_bytes_;
  std::unique_ptr<Gzip> gzip_;
  std::unique_ptr<Zstd> zstd_;
};

}  // namespace proa::image
