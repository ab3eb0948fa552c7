// What a process gives up about itself, for good: privileges, identities, its parent's survival.
// Which of them and when is for whoever builds a jail out of these.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/result.h"

namespace proa::process {

// Has the kernel kill this process when the thread that started it ends.
Result<void> die_with_parent();

// No program started from here on gains privileges.
Result<void> forbid_new_privileges();

// Becomes another user and group, with no supplementary groups; needs root.
Result<void> become(uid_t uid, gid_t gid);

// Empties all capability sets but the bounding set (limit_bounding_set() in credentials.h).
Result<void> drop_capabilities();

// Neither core dumps nor ptrace by others of the same user.
Result<void> forbid_dumping();

// Lowers a limit (RLIMIT_*), soft and hard.
Result<void> lower_limit(int resource, std::uint64_t value);

Result<void> change_directory(const std::string& path);

// Ignores SIGPIPE: writing to a pipe that nobody reads is then an error like others.
void ignore_broken_pipes();

}  // namespace proa::process
