// Loading archives of images: docker-archive and oci-archive, as docker, podman and skopeo write
// them, several images in one file.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/progress.h"
#include "image/settings.h"
#include "image/store/store.h"

namespace proa::image {

struct Loaded {
  Descriptor target;
  std::vector<std::string> names;
};

// Errors: corrupt, unsupported (neither form), exhausted (a limit, by name), cancelled. Images
//         before the one at fault stay loaded.
// Thread: any. The process ignores SIGPIPE.
Result<std::vector<Loaded>> load(const Store& store, const Settings& settings, FdRef archive,
                                 const ProgressSink& progress, std::stop_token stop);

}  // namespace proa::image
