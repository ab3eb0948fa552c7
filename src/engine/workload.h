// What the engine knows of a workload: its record in state.db. The configuration never changes
// but by update and rename; the state follows the journal.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "engine/attachment.h"
#include "engine/config.h"
#include "wire/record.h"

namespace proa::engine {

// As docker's State.Status.
enum class Phase : std::uint8_t { created, running, paused, restarting, removing, exited, dead };
std::string_view name(Phase phase);
constexpr bool is_up(Phase phase) {
  return phase == Phase::running || phase == Phase::paused || phase == Phase::restarting;
}

struct HealthProbe {
  std::int64_t started = 0, ended = 0;  // nanoseconds since 1970
  std::int32_t exit_code = 0;
  std::string output;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "started", self.started);
    visit(2, "ended", self.ended);
    visit(3, "exit_code", self.exit_code);
    visit(4, "output", self.output);
  }
};

// Units: moments in nanoseconds since 1970, 0 is never.
struct State {
  Phase phase = Phase::created;
  std::int64_t started = 0, finished = 0;
  wire::Ending ending;
  std::uint32_t restarts = 0;
  bool stopped_by_hand = false;  // unless_stopped: stays down over a boot
  bool out_of_memory = false;
  std::string error;               // why the last start failed
  std::uint32_t shown_number = 0;  // the first process as the host counts it, for people
  wire::Health health = wire::Health::none;
  std::uint32_t failing_streak = 0;
  std::vector<HealthProbe> probes;  // the last five
  std::uint64_t sequence = 0;       // of the last journal record in here
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "phase", self.phase);
    visit(2, "started", self.started);
    visit(3, "finished", self.finished);
    visit(4, "ending", self.ending);
    visit(5, "restarts", self.restarts);
    visit(6, "stopped_by_hand", self.stopped_by_hand);
    visit(7, "out_of_memory", self.out_of_memory);
    visit(8, "error", self.error);
    visit(9, "shown_number", self.shown_number);
    visit(10, "health", self.health);
    visit(11, "failing_streak", self.failing_streak);
    visit(12, "probes", self.probes);
    visit(13, "sequence", self.sequence);
  }
};

// What a volume or bind became at create: what inspect shows under Mounts.
struct MountPoint {
  Mount mount;         // a volume's `source` is its name
  std::string source;  // the path of the host
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "mount", self.mount);
    visit(2, "source", self.source);
  }
};

// Thread: a value; the engine hands out copies.
struct Workload {
  std::string id, name;
  std::int64_t created = 0;
  Config config;
  std::string image_id;                // "sha256:..."
  std::vector<std::string> layers;     // EROFS files, lowest first
  std::vector<std::string> arguments;  // entrypoint and command put together
  wire::Process process;               // with the image's defaults
  std::vector<MountPoint> mounts;
  std::optional<wire::IdRange> ids;  // leased while it runs
  State state;
  std::vector<Attachment> networks;  // in the order in which they were asked for
  std::vector<PublishedPort> ports;  // with the host's ports that were chosen; while it runs
  // Of container:NAME, while a shim is there: by kind ("network", "pid", "ipc", "user") the other
  // workload's id, and where its namespace is.
  std::map<std::string, std::string> shared_owners, shared_namespaces;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "id", self.id);
    visit(2, "name", self.name);
    visit(3, "created", self.created);
    visit(4, "config", self.config);
    visit(5, "image_id", self.image_id);
    visit(6, "layers", self.layers);
    visit(7, "arguments", self.arguments);
    visit(8, "process", self.process);
    visit(9, "mounts", self.mounts);
    visit(10, "ids", self.ids);
    visit(11, "state", self.state);
    visit(12, "networks", self.networks);
    visit(13, "ports", self.ports);
    visit(14, "shared_owners", self.shared_owners);
    visit(15, "shared_namespaces", self.shared_namespaces);
  }
};

}  // namespace proa::engine
