// The flags that say what a container (or virtual machine) is like: shared by run and create.
#pragma once

#include <span>

#include "client/flags/flags.h"

namespace proa::client {

std::span<const Flag> container_flags();
// The limits among them, which update changes too.
std::span<const Flag> limit_flags();

}  // namespace proa::client
