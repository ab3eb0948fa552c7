// What the worker's roles do with what their parent hands them.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace proa::worker {

// Makes a layer file and its tarmap from the compressed tar on a pipe.
Result<void> convert(FdRef socket);

// Writes a layer's tar, plain or compressed, into a pipe.
Result<void> restore(FdRef socket);

// Takes an archive apart: asks the parent for a file for each member and fills it.
Result<void> unpack(FdRef socket);

// Writes an archive without its compression into a pipe.
Result<void> inflate(FdRef socket);

// Makes a layer file of the upper directory on a machine's disk.
Result<void> read_disk(FdRef socket);

}  // namespace proa::worker
