// How much a directory tree holds.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace proa::file {

// The sizes of all regular files below `path`, in bytes, each inode once; a tree that is not there
// is empty. Links are not followed.
Result<std::uint64_t> tree_size(const std::string& path);

}  // namespace proa::file
