// From a finished stage to an image in the store.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "build/run/builder.h"
#include "build/run/stage_build.h"

namespace proa::build {

// The blobs that layers of base images were pulled as, so that a push finds them again.
using KnownBlobs = std::map<Digest, image::Descriptor>;

// Reads an image as the start of a stage.
Result<StageResult> read_base(const image::Store& store, const image::Image& image,
                              KnownBlobs& blobs);

// Writes configuration and manifest and gives the image its names; a build in which nothing
// changed gives the image that is there already.
Result<Built> assemble(Session& session, StageResult stage, const KnownBlobs& blobs,
                       const std::vector<std::string>& names);

}  // namespace proa::build
