// "user[:group]" of --chown, looked up in the root that is copied into.
#pragma once

#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "build/run/copy.h"

namespace proa::build {

// A number alone stands for the group too; a name's group is the one of its account.
//
// Errors: invalid_argument (a name that the root does not know)
Result<Owner> find_owner(FdRef root, std::string_view text);

}  // namespace proa::build
