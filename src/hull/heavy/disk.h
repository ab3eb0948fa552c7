// The writable disk of a machine: a sparse copy of the guest kernel's template.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace proa::hull {

// Copies `source` to the new file `target`, owned by `user`, holes kept. One that is there already
// stays as it is.
//
// Errors: not_found (no template), exhausted (a full disk; nothing is left)
Result<void> copy_disk(const std::string& source, const std::string& target, std::uint32_t user);

}  // namespace proa::hull
