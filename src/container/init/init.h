// A container's first process, from its birth in the new namespaces to the program that it becomes.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "container/init/confine.h"
#include "container/plan/plan.h"
#include "container/rootfs/rootfs.h"
#include "container/rootfs/sources.h"

namespace proa::container {

enum class Keyring : bool { keep, join_new };
// How the program is kept from reaching the runtime's own file.
enum class Protection : std::uint8_t {
  launcher,     // by the launcher
  own_program,  // the file that this process runs is out of reach already
};

// All that the first process is born with.
struct Init {
  const Plan& plan;
  std::optional<Sources> sources;  // opened by itself where absent (without privilege)
  Fd sync;                         // its end of the talk
  std::optional<FdRef> gate;       // listening: `start` comes from there, not from `sync`
  std::vector<std::pair<std::uint64_t, FdRef>> joins;  // left to join
  std::vector<FdRef> cgroup_entrances;                 // v1 cgroups to enter
  std::vector<CgroupView> cgroup_views;
  bool tells_when_mounted = false;  // somebody waits for its mounts: for hooks
  std::optional<Filter> filter;
  std::optional<FdRef> console_socket;
  std::optional<FdRef> standard_input;
  std::optional<FdRef> standard_output;
  std::optional<FdRef> standard_error;
  RootChange root_change = RootChange::pivot;
  Keyring keyring = Keyring::join_new;
  Protection protection = Protection::launcher;
  int preserved = 0;          // descriptors from 3 that the program keeps
  std::vector<FdRef> passed;  // become 3, 4, ... in place of those
};

// Runs to the exec. Never returns: what fails is sent, and the process ends.
[[noreturn]] void run_init(Init& init);

// Sends the master end of a terminal to a console socket (`--console-socket`).
Result<void> send_terminal(FdRef console_socket, FdRef master);

}  // namespace proa::container
