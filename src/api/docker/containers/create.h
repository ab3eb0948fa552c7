// Making a container of a request's body, for Docker's create and for Proa's run.
#pragma once

#include <string>

#include "api/route/request.h"
#include "api/services.h"

namespace proa::api::docker {

// Of a body and the request's parameters `name` and `platform`.
//
// Errors: invalid_argument (names the field), not_found (the image, or not for that platform),
//         already_exists (the name)
Result<engine::Created> create_workload(Services& services, const Request& request,
                                        const json::Value& body);
json::Value print_created(const engine::Created& created);

// What is left of a start that failed: with --rm nothing.
void remove_after_failure(engine::Engine& engine, const engine::Workload& workload);
// Answers for a start that failed: what was not found is the program, not the container.
Result<void> reply_start_error(Request& request, const Error& error);

}  // namespace proa::api::docker
