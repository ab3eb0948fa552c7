// Proves that a layer file is whole: its metadata by the digest in its note, its file data by
// giving back the tar, its structure by a walk.
#pragma once

#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"
#include "image/layer/erofs_reader.h"

namespace proa::image {

// Errors: corrupt (says what is damaged), unsupported (no layer of ours)
// Thread: any.
Result<void> verify_layer(FdRef image, FdRef tarmap, const Digest& diff_id);

// The walk alone: every directory sorted and reached once, every inode and attribute readable.
Result<void> verify_structure(const ErofsReader& reader);

}  // namespace proa::image
