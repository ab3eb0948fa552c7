// What the program in a container may do: applied to the process that is about to become it, in
// the one order in which each step still has the right to be done.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "container/seccomp/compile.h"
#include "oci/runtime/spec.h"

namespace proa::container {

using Filter = seccomp::Filter;

// What is known once a process is inside, and before it gives up its rights.
struct Program {
  std::string path;
  std::vector<std::string> environment;  // with HOME
};

// Finds the program that `process` names, as execvp would, and completes its environment.
//
// Errors: not_found, permission (worded as engines look for it)
Result<Program> find_program(const oci::runtime::Process& process);

// Puts the streams that are given at standard input, output and error.
Result<void> use_streams(const std::array<std::optional<FdRef>, 3>& streams);

// Limits of resources. Those that this process may not raise are named in `warnings`.
Result<void> apply_limits(const oci::runtime::Process& process, std::vector<std::string>& warnings);

// Puts the limit that `error` comes of, where it is one that `process` asked for, in front of it.
Error name_limit(const oci::runtime::Process& process, Error error);

// Gives the standard streams to the user that the program will be, for it may open them anew by
// name (/dev/stdout). Not the null device, nor what this process has no right to give.
Result<void> give_streams(std::uint32_t uid);

// Scheduling and I/O priority, where asked for.
Result<void> apply_scheduling(const oci::runtime::Process& process);

// Enters the working directory and checks that it lies inside (CVE-2024-21626).
Result<void> enter_working_directory(const std::string& path);

// User, groups, capabilities, no_new_privs, seccomp: after this the process can do no more than
// the container's program may.
Result<void> give_up_rights(const oci::runtime::Process& process, const Filter* filter);

}  // namespace proa::container
