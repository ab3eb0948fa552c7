// What the first process of a guest does before anybody speaks to it: its own place, the kernel's
// file systems, and the drivers.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace proa::guest {

// Makes standard streams that lead nowhere, moves the root onto a mount of its own (nothing can
// pivot away from the first one), and mounts /proc, /sys, /dev, /run and the cgroups.
Result<void> prepare_system();

// Loads the modules in /modules/<group>, in the order of their names.
Result<void> load_modules(const std::string& group);

// Opens the agent's port.
//
// Errors: not_found (the machine has none)
Result<Fd> open_agent_port();

}  // namespace proa::guest
