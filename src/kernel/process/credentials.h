// What a process may do, set for the calling thread: users, groups, capabilities, limits and the
// rest of what survives an exec.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace proa::process {

Result<void> set_groups(const std::vector<gid_t>& groups);
Result<void> set_gid(gid_t gid);  // real, effective, saved
Result<void> set_uid(uid_t uid);  // real, effective, saved

// Capability sets as bits, 1 << CAP_*.
struct CapabilitySets {
  std::uint64_t effective = 0;
  std::uint64_t permitted = 0;
  std::uint64_t inheritable = 0;
};
Result<CapabilitySets> capabilities();
Result<void> set_capabilities(const CapabilitySets& sets);
// Takes every capability up to `last` that is not in `keep` out of the bounding set.
Result<void> limit_bounding_set(std::uint64_t keep, int last);
// Replaces the ambient set.
Result<void> set_ambient_set(std::uint64_t set);
// The greatest number of a capability that the kernel knows.
Result<int> last_capability();
// Keeps the permitted set over the next change of user.
Result<void> keep_capabilities();

Result<void> set_no_new_privileges();
enum class Dumpable : bool { no, yes };
Result<void> set_dumpable(Dumpable dumpable);
Result<void> set_personality(std::uint32_t domain);
// `io_class` and `priority` as in ioprio_set(2).
Result<void> set_io_priority(int io_class, int priority);
// `cpus` lists processors as in "0-3,7".
Result<void> set_affinity(pid_t pid, const std::string& cpus);
// Joins a new session keyring of that name. A kernel without keys is no error.
Result<void> join_keyring(const std::string& name);
// Sets a limit of another process, or of this one with pid 0.
//
// Errors: permission (raising a hard limit without CAP_SYS_RESOURCE)
Result<void> set_limit(pid_t pid, int resource, std::uint64_t soft, std::uint64_t hard);
struct Limit {
  std::uint64_t soft;
  std::uint64_t hard;
};
Result<Limit> limit(int resource);

// Marks all descriptors from `first` on close-on-exec.
Result<void> close_on_exec_from(int first);

}  // namespace proa::process
