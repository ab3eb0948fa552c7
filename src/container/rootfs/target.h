// Places inside a root file system that an enemy wrote, and may be changing right now: found and
// made by descriptor, every step confined to the root.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace proa::container {

enum class TargetKind : bool { file, directory };
enum class Links : bool { refuse, follow };

// Opens (O_PATH) the place at `path` in `root`, making it and its parents where they are missing.
// Links are followed as a process inside would, also those that lead to nothing yet.
//
// Errors: permission (a link where they are refused), not_found (it was taken away meanwhile)
Result<Fd> open_target(FdRef root, const std::string& path, TargetKind kind, Links links);

// Opens (O_PATH) the directory that holds `path`, making what is missing; links are followed.
Result<Fd> open_parent(FdRef root, const std::string& path);
// "/a/b" -> "/a" and "b".
std::string parent_of(const std::string& path);
std::string base_of(const std::string& path);

}  // namespace proa::container
