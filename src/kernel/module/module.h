// Kernel modules.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace proa::module {

// Loads the module in `file`. One that is loaded already, or built in, is no error.
Result<void> load(FdRef file);

}  // namespace proa::module
