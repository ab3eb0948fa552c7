// Starts proad where none runs: `proa` listens for it and hands the socket over, as systemd does,
// so that nothing has to wait for it to appear.
#pragma once

#include <string>

#include "base/result.h"

namespace proa::cli {

// Whether an error of connecting says that no engine runs.
bool nobody_listens(const Error& error);

// Starts the engine whose socket is `socket`; afterwards one can connect. PROA_RUN and PROA_ROOT
// move it. Where another program starts it at the same time, one of them does.
//
// Errors: permission (not root), not_found (no proad), timeout
Result<void> start_engine(const std::string& socket);

// `proa __engine RUN ROOT`: what start_engine() runs in a session of its own; becomes proad.
//
// Shape:  descriptor 3 listens
Result<int> become_engine(const std::string& run, const std::string& root);

}  // namespace proa::cli
