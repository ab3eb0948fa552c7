// What the worker in the role `fetch` does: it serves its parent's requests to one repository,
// each on a socket and a pipe of its own, all at once.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace proa::image {

// Serves until the parent closes its end of `socket`. `system_authorities`: PEM, read before the
// worker was jailed.
//
// Spec: docs/formats/worker.md
Result<void> serve_fetches(FdRef socket, const std::string& system_authorities);

}  // namespace proa::image
