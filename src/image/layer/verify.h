// Proves that a layer file's metadata is whole: by the digest in its note, and by a walk. Whether
// its file data is, the tar that it gives back tells (tar_restorer.h).
#pragma once

#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"
#include "image/layer/erofs_reader.h"

namespace proa::image {

// Errors: corrupt (says what is damaged), unsupported (no layer of ours)
// Thread: any.
Result<void> verify_metadata(FdRef image, const Digest& diff_id);

// The walk alone: every directory sorted and reached once, every inode and attribute readable.
Result<void> verify_structure(const ErofsReader& reader);

}  // namespace proa::image
