// TarRestorer gives back, byte for byte, the tar that a layer was made from.
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"

namespace proa::image {

// Layer file and tarmap are treated as hostile: whatever they hold, memory stays bounded.
//
// Spec:   docs/formats/layer.md, "tarmap"
// Owner:  borrows both descriptors, which outlive it. Thread: one at a time.
class TarRestorer {
 public:
  // Errors: corrupt (no tarmap)
  static Result<TarRestorer> open(FdRef image, FdRef tarmap, const Digest& diff_id);
  TarRestorer(TarRestorer&&) noexcept;
  TarRestorer& operator=(TarRestorer&&) noexcept;
  ~TarRestorer();

  // Fills the front of `buffer` with the tar's next bytes and gives their count, 0 at the end.
  // The end is given only once the whole tar is known to be `diff_id`'s.
  //
  // Errors: corrupt (damaged tarmap or layer file, or another tar than `diff_id`'s)
  Result<std::size_t> read(MutableByteSpan buffer);

 private:
  struct State;
  explicit TarRestorer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace proa::image
