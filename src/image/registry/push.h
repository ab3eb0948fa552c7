// Pushing an image: blobs the registry lacks, taken over from another of its repositories where
// it has them there, then configuration and manifest.
#pragma once

#include <stop_token>

#include "base/result.h"
#include "image/progress.h"
#include "image/registry/credentials.h"
#include "image/settings.h"
#include "image/store/store.h"
#include "oci/distribution/reference.h"

namespace proa::image {

// Pushes the image of that name under the same name. Gives the manifest as the registry has it.
//
// Errors: not_found (no such image), permission, unavailable, corrupt, cancelled
// Thread: any; makes threads of its own. The process ignores SIGPIPE.
Result<Descriptor> push(const Store& store, const Settings& settings,
                        const oci::distribution::Reference& reference, const ProgressSink& progress,
                        std::stop_token stop);

// Whether the registry lets these credentials in.
//
// Errors: permission, unavailable
Result<void> check_login(const Settings& settings, const oci::distribution::Reference& registry,
                         const Credentials& credentials);
// The same, and keeps them.
Result<void> log_in(const Settings& settings, const oci::distribution::Reference& registry,
                    const Credentials& credentials);

}  // namespace proa::image
