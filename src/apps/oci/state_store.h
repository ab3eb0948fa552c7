// What the runtime keeps of each container between its commands: a directory below the root with
// state.json, a copy of config.json, and until the start the socket at which the first process
// waits.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/json.h"
#include "base/result.h"
#include "container/limits/cgroup_set.h"
#include "oci/runtime/spec.h"

namespace proa::oci_app {

enum class Status : std::uint8_t { creating, created, running, paused, stopped };
std::string_view name(Status status);

// Thread: a value.
struct State {
  std::string id;
  std::string bundle;   // absolute
  std::string rootfs;   // absolute
  std::string created;  // RFC 3339
  uid_t owner = 0;
  bool creating = false;         // saved for hooks, before `create` has come to its end
  pid_t pid = 0;                 // of the first process
  std::uint64_t start_time = 0;  // of that process, in the kernel's ticks: numbers are used again
  container::limits::Record cgroups;
  bool late_hooks = false;  // poststart or poststop: else start and delete need no configuration

  json::Value to_json() const;
  static Result<State> parse(std::string_view text, std::string_view name);
};

// When the process `pid` started, as /proc tells it; 0 where there is none, or it has ended and
// only waits to be reaped.
std::uint64_t start_time_of(pid_t pid);

// Thread: one. Owner: one command.
class StateStore {
 public:
  static constexpr const char* kGate = "gate";
  static constexpr const char* kConfig = "config.json";

  // Makes the root where it is missing.
  static Result<StateStore> open(const std::string& root);

  // Takes the id: the directory, locked as long as it is open, which shows that the container is
  // being made. Errors: already_exists
  Result<Fd> make(const std::string& id) const;
  // A container that is being made is there once it has a process.
  //
  // Errors: not_found ("container does not exist")
  Result<State> load(const std::string& id) const;
  // As load, and what there is of one that has no process yet, or whose `create` was killed.
  Result<State> load_remains(const std::string& id) const;
  Result<Fd> directory(const std::string& id) const;
  Result<void> save(FdRef directory, const State& state) const;
  Result<oci::runtime::Spec> spec(const std::string& id) const;
  Result<void> remove(const std::string& id) const;
  Result<std::vector<std::string>> ids() const;

  Result<Status> status(const State& state) const;
  std::string cache() const { return path_ + "/.filters"; }

 private:
  StateStore(std::string path, Fd root) : path_(std::move(path)), root_(std::move(root)) {}
  std::string path_;
  Fd root_;
};

}  // namespace proa::oci_app
