// What container/ is asked to make, put together from a workload's Spec: the OCI configuration
// that the engine wrote, with what only the hull knows (shares, namespaces that are there already,
// the seccomp profile, the user by number).
#pragma once

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "oci/runtime/spec.h"
#include "wire/values.h"

namespace proa::hull {

// Where --init's program shows up inside, as docker has it.
constexpr const char* kInitPlace = "/sbin/docker-init";

// Errors: invalid_argument (names the field)
Result<oci::runtime::Spec> read_configuration(const wire::Spec& spec);

// Adds the shares, and with `init_program` --init's own; the mounts end up in the order of their
// depth, as docker mounts them.
void add_shares(const wire::Spec& spec, const std::string& init_program,
                oci::runtime::Spec& configuration);

// The profile that the Spec names, for a process that can have at most `capabilities`.
//
// Errors: invalid_argument (names the profile's field)
Result<std::optional<oci::runtime::Seccomp>> seccomp_of(const wire::Spec& spec,
                                                        std::uint64_t capabilities);

// One process of the workload: what the configuration gives all of them, and what this one asks
// for.
oci::runtime::Process make_process(const oci::runtime::Process& base, const wire::Process& wanted,
                                   oci::runtime::User user);

}  // namespace proa::hull
