// From what was asked for to what the hull is told: docker's rules about entrypoints, environment,
// capabilities, namespaces and limits, as a wire::Spec with an OCI runtime configuration. Pure.
#pragma once

#include "base/json.h"
#include "engine/engine.h"

namespace proa::engine {

// Puts the configuration over the image's: arguments, environment, directory, user, health.
//
// Errors: invalid_argument ("no command specified", in docker's words)
Result<void> apply_image(Workload& workload, const ImageFacts& image);

// Whether the hull gives as much isolation as "proa.isolation-min" asks for, which an image's label
// may do, too. A machine says itself, when it is made, whether this host emulates it.
//
// Errors: invalid_argument (names the way out)
Result<void> check_isolation(const Config& config);
// Whether what only a machine has is asked of a container. Before apply_image: a label of an image
// that suits both hulls is no order.
//
// Errors: invalid_argument (names the way out)
Result<void> check_machine_settings(const Config& config);

// Errors: invalid_argument (names the field), unsupported
Result<wire::Spec> make_spec(const Workload& workload, const Options& options);

// Whether it gets the host's user namespace: privileged, or sharing one of the host's others.
bool takes_host_ids(const Config& config);

// What docker's command line exits with where a start failed so: 127 for a program that is not
// there, 126 for one that may not run, 125 for all else.
int start_failure_code(const Error& error);

// linux.resources of the OCI runtime specification.
json::Value resources_of(const Limits& limits);

// "TERM", "SIGTERM", "15" -> 15. Errors: invalid_argument ("Invalid signal: x")
Result<int> parse_signal(std::string_view text);

}  // namespace proa::engine
