// What a RUN step changed, as a layer: the overlay's upper directory read when nothing of the step
// runs any more. Links are never followed.
#pragma once

#include <sys/stat.h>

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "build/run/layer_tar.h"

namespace proa::build {

// Places that were made only for something to be mounted there, and how they were before the step:
// absent, or a directory that was there already. Paths have no slash in front.
using MountPlaces = std::map<std::string, std::optional<struct stat>, std::less<>>;

// Looks at a root before its step runs: each of `destinations` and all directories above it.
Result<MountPlaces> note_mount_places(FdRef root, const std::set<std::string>& destinations);

struct UpperOptions {
  MountPlaces places;
  std::optional<std::int64_t> latest;  // times after it become it; seconds since 1970
};

// Errors: unsupported (sockets are left out; an overlay's mark that no layer can hold)
Result<void> write_upper(FdRef upper, const UpperOptions& options, LayerTar& tar);

}  // namespace proa::build
