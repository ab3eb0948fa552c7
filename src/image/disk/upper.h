// What a machine changed of its image, read from its disk: the overlay's upper directory on the
// ext4 file system that a guest wrote, as the entries of a layer. Nothing is mounted, nothing is
// written. Every byte is the guest's, and libext2fs reads it: only the jailed worker calls this.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "image/limits.h"
#include "image/tar/entry.h"

namespace proa::image {

// Gives the directory "upper" of the disk to `sink`, without raw(): files with their holes,
// whiteouts and opaque directories as layers have them (".wh."). A disk without that directory has
// no entries; sockets and names that begin with ".wh." are left out.
//
// Owner:  the caller, of the descriptor
// Errors: unsupported (its journal has to be replayed first, by whoever mounts it), corrupt,
//         exhausted (a limit), the sink's own
Result<void> read_upper(FdRef disk, const LayerLimits& limits, TarSink& sink);

}  // namespace proa::image
