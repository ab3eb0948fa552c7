// Whether a tar stream came to its own end. What is cut off ends in the middle of an entry, which
// every reader sees, or between two, which only the missing end marks tell.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/bytes.h"
#include "base/result.h"
#include "image/tar/header.h"

namespace proa::image {

// Spec:   POSIX.1-2017 pax: an archive ends with two blocks of zeros.
// Thread: one at a time.
class EndMarks {
 public:
  // Takes the next bytes, in pieces of any size.
  void feed(ByteSpan bytes) {
    for (const std::byte byte : bytes.last(std::min(bytes.size(), kMarks))) {
      zeros_ = byte == std::byte{} ? zeros_ + 1 : 0;
    }
  }
  // Errors: corrupt (no end marks)
  Result<void> finish() const {
    if (zeros_ >= kMarks) return {};
    return fail(ErrorKind::corrupt, "the tar was cut off: it has no end marks");
  }

 private:
  static constexpr std::size_t kMarks = 2 * kTarBlock;

  std::size_t zeros_ = 0;  // at the end of what came
};

}  // namespace proa::image
