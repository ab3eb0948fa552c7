// The sockets that proad listens on.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace proa::daemon {

// "unix://PATH": a socket of that group with mode 0660, replacing one that nobody serves;
// "fd://": all that systemd handed over.
//
// Errors: invalid_argument (another kind of host), not_found ("fd://" without any)
Result<std::vector<Fd>> open_listeners(const std::vector<std::string>& hosts,
                                       const std::string& group);

}  // namespace proa::daemon
