// compare: the same image in every hull, measured.
#pragma once

#include "apps/cli/command.h"

namespace proa::cli {

extern const Command kCompare;

}  // namespace proa::cli
