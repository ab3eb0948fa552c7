// Several tasks at once, with a bound on how many.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "base/result.h"

namespace proa::image {

// Runs all tasks on at most `limit` threads; after the first failure no further task starts. Gives
// that failure once all have ended.
Result<void> run_parallel(std::vector<std::function<Result<void>()>> tasks, std::size_t limit);

}  // namespace proa::image
