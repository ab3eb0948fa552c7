// Pulling an image: manifest, configuration, and all layers at once, each checked against its
// digest before it gets its place, and the name last.
#pragma once

#include <optional>
#include <stop_token>

#include "base/result.h"
#include "image/progress.h"
#include "image/settings.h"
#include "image/store/store.h"
#include "oci/distribution/reference.h"
#include "oci/image/platform.h"

namespace proa::image {

struct PullRequest {
  oci::distribution::Reference reference;
  std::optional<oci::image::Platform> platform;  // the host's where absent
};

struct Pulled {
  Descriptor target;
  bool changed = false;  // false: the name was this image's already and all of it was here
};

// Errors: not_found (no such image, or nothing for the platform), permission (not let in),
//         unavailable, corrupt, exhausted (a limit, by name), cancelled. On an error what was
//         complete stays for the next attempt, and the store is as usable as before.
// Thread: any; makes threads of its own for the layers. The process ignores SIGPIPE.
Result<Pulled> pull(const Store& store, const Settings& settings, const PullRequest& request,
                    const ProgressSink& progress, std::stop_token stop);

}  // namespace proa::image
