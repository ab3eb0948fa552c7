// The kernel's random number generator.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace proa::random {

// Fills `into`; waits only before the generator is first seeded, early in a machine's boot.
Result<void> fill(MutableByteSpan into);

}  // namespace proa::random
