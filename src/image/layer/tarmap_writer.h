// TarmapWriter writes down how a tar is put together from its own literal bytes and from pieces
// of the layer file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

struct ZSTD_CCtx_s;

namespace proa::image {

// Spec:   docs/formats/layer.md, "tarmap"
// Owner:  borrows the descriptor. Thread: one at a time.
class TarmapWriter {
 public:
  static Result<TarmapWriter> create(FdRef file);
  TarmapWriter(TarmapWriter&&) noexcept = default;

  // The tar goes on with these bytes.
  Result<void> literal(ByteSpan bytes);
  // The tar goes on with `size` bytes, not 0, that lie at `position` of the layer file.
  Result<void> piece(std::uint64_t position, std::uint64_t size);
  // Gives the file's length.
  Result<std::uint64_t> finish();

 private:
  struct FreeContext {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  TarmapWriter(FdRef file, ZSTD_CCtx_s* context) : file_(file), context_(context) {}
  Result<void> record(std::uint64_t position, std::uint64_t size);
  enum class Last : bool { no, yes };
  Result<void> compress(Last last);

  FdRef file_;
  std::unique_ptr<ZSTD_CCtx_s, FreeContext> context_;
  std::string literal_;
  std::string records_;  // not compressed yet
  std::string output_;   // not written yet
  std::uint64_t expected_;
  std::uint64_t written_ = 0;
};

}  // namespace proa::image
