// Runs a helper program of a machine (the monitor, the emulator, the file server) in a container of
// its own: it sees what was handed to it, where it needs libraries the host's /usr read-only, and
// nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/process/child.h"

namespace proa::hull {

// A file or directory of the host that the program sees.
struct JailMount {
  std::string source;
  std::string destination;
  bool read_only = true;
};

struct JailedProgram {
  std::string name;                    // for messages, and of its cgroup
  std::string cgroup;                  // the workload's; the program's own is made below it
  std::vector<std::string> arguments;  // the program's path first
  std::vector<Fd> descriptors;         // the program gets them as 3, 4, ...
  std::vector<JailMount> mounts;
  bool libraries = true;           // sees the host's /usr; a static program needs none of it
  std::uint32_t user = 0;          // and group
  std::uint64_t capabilities = 0;  // bits 1 << CAP_*
  bool kvm = false;                // has /dev/kvm
  FdRef errors{2};                 // its standard error
  std::optional<FdRef> output;     // its standard output; where absent as its standard error
};

// Errors: not_found (the program is not installed), and what keeps a container from being made
// Thread: the process has one thread
Result<process::Child> run_jailed(JailedProgram program);

}  // namespace proa::hull
