// What every command about an app begins with: its flags, and the project that they lead to.
#pragma once

#include <set>
#include <string>

#include "apps/cli/call.h"
#include "base/result.h"
#include "client/flags/flags.h"
#include "compose/load/load.h"
#include "compose/model/project.h"
#include "compose/run/report.h"

namespace proa::cli {

// --file, --project-name, --project-directory, --profile, --env-file; the second kind leaves the
// letters f and p to the command.
std::span<const client::Flag> project_flags();
std::span<const client::Flag> project_flags_without_letters();

// Finds, reads and checks the project; warnings go to standard error. `wanted`: services named on
// the command line.
Result<compose::Project> load_project(Call& call, const std::set<std::string>& wanted = {});
// Where only a name is needed: an app whose files are gone still has containers.
Result<compose::Project> project_or_name(Call& call);

std::set<std::string> named_services(const Call& call);
// The engine's address; starts the engine where none runs.
Result<client::Address> engine_of(Call& call);
// Lines about what is being done, on standard error.
compose::Report::Print report_printer();
std::optional<std::string> variable(std::string_view name);

}  // namespace proa::cli
