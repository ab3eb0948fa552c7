// Namespaces by descriptor: opening, telling their kind, joining, and the id maps of a user
// namespace.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace proa::ns {

// Opens a namespace's file (/proc/PID/ns/*, or a bind mount of one) and checks that it is one of
// the kind `clone_flag` (CLONE_NEWNET and so on).
//
// Errors: not_found, invalid_argument (no namespace, or of another kind)
Result<Fd> open(const std::string& path, std::uint64_t clone_flag);

// Moves the calling thread (for CLONE_NEWPID: its children to come) into the namespace.
Result<void> join(FdRef ns, std::uint64_t clone_flag);
// Joins all of `clone_flags` that the process behind `pidfd` is in, in one step.
Result<void> join_all(FdRef pidfd, std::uint64_t clone_flags);
Result<void> unshare(std::uint64_t clone_flags);

// One line of a uid_map: `count` ids from `inside` in the namespace are those from `outside`.
struct IdRange {
  std::uint32_t inside;
  std::uint32_t outside;
  std::uint32_t count;
};
std::string map_text(const std::vector<IdRange>& ranges);

// The name below /proc/PID/ns of the kind `clone_flag`.
const char* file_name(std::uint64_t clone_flag);

// Makes a user namespace of its own for the maps, which lives as long as the descriptor: for
// idmapped mounts and for pools of namespaces.
Result<Fd> make_user_namespace(const std::vector<IdRange>& uids, const std::vector<IdRange>& gids);

// A network namespace and the user namespace that it belongs to: only then may the root user of
// the latter bind low ports, open raw sockets and turn the former's sysctls.
struct NetworkPair {
  Fd user;  // invalid where the network namespace belongs to the caller's
  Fd network;
};
// Makes both, or with empty maps the network namespace alone; its loopback device is up.
Result<NetworkPair> make_network_pair(const std::vector<IdRange>& uids,
                                      const std::vector<IdRange>& gids);

// Writes the maps of the process `pid` that was just made in a user namespace. Without CAP_SETUID
// and CAP_SETGID, setgroups is denied where needed for a single range.
Result<void> write_maps(pid_t pid, const std::vector<IdRange>& uids,
                        const std::vector<IdRange>& gids);

}  // namespace proa::ns
