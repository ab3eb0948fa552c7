// Compresses a stream with gzip (ISA-L, its fastest level with a dictionary of its own).
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

namespace proa::worker {

// Spec:   RFC 1952; the header names neither file nor time: the same bytes give the same stream
// Owner:  borrows the descriptor. Thread: one at a time.
class GzipWriter {
 public:
  explicit GzipWriter(FdRef output);
  GzipWriter(GzipWriter&&) noexcept;
  ~GzipWriter();

  Result<void> write(ByteSpan bytes);
  Result<void> finish();

 private:
  struct State;
  Result<void> deflate(ByteSpan bytes, bool last);
  std::unique_ptr<State> state_;
};

}  // namespace proa::worker
