// Whose files a thread makes: its file system ids, apart from those that it is signalled by.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace proa::process {

// The calling thread's new files belong to these ids; its capabilities stay, whatever the ids.
//
// Errors: permission (the ids were not taken on)
Result<void> set_file_ids(std::uint32_t uid, std::uint32_t gid);

}  // namespace proa::process
