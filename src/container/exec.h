// A further process in a container that runs. Whoever joins must not be reachable through the
// container's /proc: the caller's own program is out of reach (init/launcher.h) and not dumpable.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "container/limits/cgroup_set.h"
#include "oci/runtime/spec.h"

namespace proa::container {

struct ExecOptions {
  pid_t init = 0;  // the container's first process
  FdRef init_pidfd;
  limits::Record cgroups;
  oci::runtime::Process process;
  std::optional<oci::runtime::Seccomp> filter;  // the container's own profile
  std::string filter_cache;                     // directory of compiled filters; "" for none
  std::optional<FdRef> console_socket;
  std::optional<FdRef> standard_input, standard_output, standard_error;  // ours where absent
  int preserved = 0;
};

struct Executed {
  pid_t pid = 0;
  Fd pidfd;
  std::vector<std::string> warnings;
};

// Runs a program in the container and returns once it has become it.
//
// Errors: not_found and permission (the program), busy (the container has ended)
// Thread: the process has one thread
Result<Executed> exec(const ExecOptions& options);

}  // namespace proa::container
