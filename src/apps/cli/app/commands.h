// The commands about apps: Compose projects.
#pragma once

#include <string>
#include <vector>

#include "apps/cli/command.h"

namespace proa::cli {

extern const Command kAppUp, kAppDown, kAppList, kAppLogs, kAppScale, kAppRestart, kAppStart,
    kAppStop, kAppKill, kAppPull, kAppBuild, kAppConfig, kAppProjects;

// `proa compose -f x up` is `proa compose up --file x`: flags before the verb go behind it.
std::vector<std::string> flags_behind_verb(std::vector<std::string> words);

}  // namespace proa::cli
