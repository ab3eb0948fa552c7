// The heavy hull: a virtual machine of its own for one workload. The machine is carried by a
// hypervisor (hypervisor.h); inside, an agent runs the workload by the light hull and is spoken to
// over one port. The machine stays from the first start to remove(): a restart makes only the
// process anew.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "hull/heavy/hypervisor.h"
#include "hull/hull.h"
#include "io/loop.h"
#include "wire/values.h"

namespace proa::hull {

struct HeavyPlace {
  std::unique_ptr<Hypervisor> hypervisor;
  std::string scratch;  // RUN/w/<id>
};

// Makes the hull of a workload; nothing exists before create(). `spec.kernel` names the guest
// kernel's folder.
//
// Errors: unsupported (what a machine cannot have, by name), invalid_argument
// Thread: the loop's, and the process has no other. Owner: the shim; observer and loop outlive it.
Result<std::unique_ptr<Hull>> make_heavy_hull(io::Loop& loop, const wire::Spec& spec,
                                              Observer& observer, HeavyPlace place);
// With the hypervisor that the Spec's annotations and this host allow.
//
// Errors: also unsupported (the host cannot give the isolation asked for)
Result<std::unique_ptr<Hull>> make_heavy_hull(io::Loop& loop, const wire::Spec& spec,
                                              Observer& observer, const std::string& scratch);

// What a machine gets here: "vm", or "vm-emulated" where KVM does not run guests. `run` is RUN.
std::string_view isolation_here(const std::string& run);

}  // namespace proa::hull
