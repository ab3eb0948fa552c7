// The light hull: a container, made by container/ in the process that holds this object. It runs
// on the host, in a shim, and inside a guest, in the agent: what differs is where its root comes
// from (root_source.h) and that a guest's Spec has no `ids`, so no user namespace is made there.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "hull/hull.h"
#include "hull/light/root_source.h"
#include "io/loop.h"
#include "wire/values.h"

namespace proa::hull {

// What a light hull needs of the place that it runs in.
struct LightPlace {
  std::unique_ptr<RootSource> root;
  std::string filter_cache;  // directory of compiled seccomp filters; "" for none
  std::string init_program;  // --init's first process: a static program
};

// Makes the hull of a workload; nothing exists before create().
//
// Thread: the loop's, and the process has no other (but short ones of its own making). Its own
//         program must be out of the reach of who becomes its child (container/init/launcher.h).
// Owner:  the shim or the agent; observer and loop outlive it
Result<std::unique_ptr<Hull>> make_light_hull(io::Loop& loop, const wire::Spec& spec,
                                              Observer& observer, LightPlace place);
// The same on the host, over the Spec's layer files.
Result<std::unique_ptr<Hull>> make_light_hull(io::Loop& loop, const wire::Spec& spec,
                                              Observer& observer);

// Has this process run from a file that no container can write to; returns at once where it does
// already. Called first thing by a program that carries light hulls.
Result<void> protect_own_program();

// The same from outside, for who starts many such programs: gives the program at `path` in a way
// that lets protect_own_program return at once.
Result<Fd> protected_program(const std::string& path);

// Ends and cleans what a dead shim left of its workload: kills the cgroup, removes it, lets the
// layers go. What is gone already is no error.
Result<void> reclaim(const wire::Spec& spec);

// Removes the cgroup that those of an engine's workloads lie in, where none is left in it.
void remove_empty_parent(const std::string& cgroup);

}  // namespace proa::hull
