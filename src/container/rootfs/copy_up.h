// Copies what lies in a directory of a root file system into a new tmpfs above it (tmpcopyup).
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace proa::container {

// Copies directories, files and links with owner, mode and times of modification; other kinds are
// left out. Links are never followed.
//
// Errors: exhausted (nested deeper than 64), and those of reading and writing
Result<void> copy_up(FdRef from, FdRef to);

}  // namespace proa::container
