// A hull that could not be made: every request is answered by the reason, so that whoever asked
// for the workload hears it.
#pragma once

#include <memory>

#include "base/error.h"
#include "hull/hull.h"

namespace proa::hull {

std::unique_ptr<Hull> make_refused_hull(Error why);

}  // namespace proa::hull
