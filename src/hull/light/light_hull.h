// The light hull: a container, made by container/ in the process that holds this object.
#pragma once

#include <memory>

#include "base/result.h"
#include "hull/hull.h"
#include "io/loop.h"
#include "wire/values.h"

namespace proa::hull {

// Makes the hull of a workload; nothing exists before create().
//
// Thread: the loop's. Owner: the shim; observer and loop outlive it.
Result<std::unique_ptr<Hull>> make_light_hull(io::Loop& loop, const wire::Spec& spec,
                                              Observer& observer);

// Ends and cleans what a dead shim left of its workload: kills the cgroup, removes it, lets the
// layers go. What is gone already is no error.
Result<void> reclaim(const wire::Spec& spec);

}  // namespace proa::hull
