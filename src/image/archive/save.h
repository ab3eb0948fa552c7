// Saving images into one archive that is an oci-archive and a docker-archive at once: the blobs
// of an OCI layout, with docker's manifest.json beside its index.json.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "image/settings.h"
#include "image/store/store.h"

namespace proa::image {

// Writes the images of these names or ids, each blob once.
//
// Spec:   OCI image specification 1.1, image-layout.md; Docker image specification 1.2, "Combined
//         Image JSON + Filesystem Changeset Format"
// Errors: not_found, corrupt, what writing says
Result<void> save(const Store& store, const Settings& settings,
                  const std::vector<std::string>& names, FdRef output);

}  // namespace proa::image
