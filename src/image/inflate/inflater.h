// Inflater undoes a blob's compression as it streams in: gzip, zstd, xz, bzip2 or none, told apart
// by the first bytes.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "image/inflate/codec.h"
#include "image/inflate/compression.h"

namespace proa::image {

// Owner: borrows the output. Thread: one at a time.
class Inflater {
 public:
  explicit Inflater(InflateOutput& output) : output_(output) {}

  // Errors: corrupt (damaged), exhausted, the output's own
  Result<void> write(ByteSpan blob);
  // Errors: corrupt (the stream ends early)
  Result<void> finish();

  // Known once the first bytes are there; `none` for an empty blob.
  Compression compression() const { return compression_; }

 private:
  Result<void> detect();
  Result<void> pass(ByteSpan blob);
  Result<void> copy(ByteSpan blob);

  InflateOutput& output_;
  Compression compression_ = Compression::none;
  bool is_detected_ = false;
  std::string first_bytes_;
  std::unique_ptr<Codec> codec_;  // none for plain bytes
};

}  // namespace proa::image
