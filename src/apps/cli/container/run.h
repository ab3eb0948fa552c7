// What run shares with its neighbours.
#pragma once

#include "base/result.h"

namespace proa::cli {

// Whether an engine says that it does not know a path at all: one that is not ours.
bool lacks_route(const Error& error);

}  // namespace proa::cli
