// From files on disk to a project that is complete and consistent: found, interpolated, extended,
// merged, checked, and filled with what follows from it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "compose/document/interpolate.h"
#include "compose/model/project.h"

namespace proa::compose {

struct LoadOptions {
  std::string working_directory;       // absolute
  std::vector<std::string> files;      // -f; empty: COMPOSE_FILE, else found from here upwards
  std::string project_name;            // -p; else COMPOSE_PROJECT_NAME, `name:`, the directory's
  std::string project_directory;       // --project-directory; else the first file's
  std::vector<std::string> env_files;  // --env-file; empty: `.env` of the project's directory
  std::vector<std::string> profiles;   // --profile; else COMPOSE_PROFILES
  // Services named by the user: they and what they depend on are taken whatever their profiles.
  std::set<std::string> wanted;
  Lookup environment;          // the shell's
  std::string standard_input;  // for `-f -`
};

struct Loaded {
  Project project;
  std::vector<std::string> warnings;
};

// Errors: not_found (no file), invalid_argument (file, line and column), exhausted (limits)
Result<Loaded> load(const LoadOptions& options);

// Only the project's name, for commands that need no file; "" where no file tells it.
Result<std::string> find_project_name(const LoadOptions& options);

}  // namespace proa::compose
