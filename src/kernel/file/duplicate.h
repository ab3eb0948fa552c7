// A second descriptor of what one is open on.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace proa::file {

// Close-on-exec. The two share offset and flags.
Result<Fd> duplicate(FdRef fd);

}  // namespace proa::file
