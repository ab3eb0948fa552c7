// Reading somebody's archive, compressed or not.
#pragma once

#include <functional>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

namespace proa::worker {

// Gives `take` the archive's bytes without their compression, piece by piece, to the end.
//
// Errors: corrupt, exhausted (so much comes out of nothing but made-up data), those of `take`
Result<void> read_archive(FdRef archive, const std::function<Result<void>(ByteSpan)>& take);

}  // namespace proa::worker
