// What a shim tells the agent of its machine: everything that the guest needs to run the workload.
#pragma once

#include <vector>

#include "base/result.h"
#include "hull/heavy/file_server.h"
#include "hull/heavy/guest_spec.h"
#include "wire/guest.h"

namespace proa::hull {

// The shares that the file server gives to the guest; the others are generated files.
std::vector<ServedShare> served_shares(const wire::Spec& spec);

// Puts together the first request. The workload's seccomp filter is compiled here (and kept in
// RUN/seccomp): in an emulated machine that takes seconds.
//
// Errors: invalid_argument (the configuration), and what keeps generated files from being read
Result<wire::Configure> make_configuration(const wire::Spec& spec, const MachineSize& size,
                                           const std::vector<wire::LayerPlace>& layers);

}  // namespace proa::hull
