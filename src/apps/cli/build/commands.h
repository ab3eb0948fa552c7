// The commands about building images.
#pragma once

#include "apps/cli/command.h"

namespace proa::cli {

extern const Command kBuild, kBuildPrune;

}  // namespace proa::cli
