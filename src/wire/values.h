// What hulls are told and what they tell: plain values, the same for a container and a virtual
// machine, each with its list of fields so that it travels on the wire, lies in a journal and
// stands in spec.json. Nothing here names a process of the host, a path in a mount namespace or a
// descriptor.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"

namespace proa::wire {

// Units: character cells; 0 x 0 is "not known".
struct WindowSize {
  std::uint16_t columns = 0;
  std::uint16_t rows = 0;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "columns", self.columns);
    visit(2, "rows", self.rows);
  }
  bool operator==(const WindowSize&) const = default;
};

// One program to run inside a workload: its first one, or an exec.
struct Process {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // "NAME=value"; HOME is added from the user's entry
  std::string working_directory;         // "" is "/"; made where it is missing (first one only)
  // "name|uid[:name|gid]" as the image's own /etc/passwd and /etc/group say; "" is root.
  std::string user;
  std::vector<std::string> groups;  // further groups, by name or number
  bool terminal = false;
  WindowSize size;          // of the terminal
  bool open_input = false;  // else standard input is empty from the start
  bool privileged = false;  // an exec that gets every capability
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "arguments", self.arguments);
    visit(2, "environment", self.environment);
    visit(3, "working_directory", self.working_directory);
    visit(4, "user", self.user);
    visit(5, "groups", self.groups);
    visit(6, "terminal", self.terminal);
    visit(7, "size", self.size);
    visit(8, "open_input", self.open_input);
    visit(9, "privileged", self.privileged);
  }
};

// Why a workload or an exec ended. 128+n is made of it only for printing.
struct Ending {
  bool signalled = false;
  std::int32_t code = 0;  // exit code, or the signal's number
  bool out_of_memory = false;
  // Why it could not start at all; then `code` is 125, 126 or 127 as docker's.
  std::string failure;
  int shell_code() const { return signalled ? 128 + code : code; }
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "signalled", self.signalled);
    visit(2, "code", self.code);
    visit(3, "out_of_memory", self.out_of_memory);
    visit(4, "failure", self.failure);
  }
  bool operator==(const Ending&) const = default;
};

// One attachment of a workload to a network: everything that both hulls need to join it.
struct Endpoint {
  std::string network;       // the network's name
  std::string link;          // the host's end: veth or tap
  std::string guest_device;  // "eth0"
  std::string mac;
  std::vector<std::string> addresses;  // "10.1.0.2/24"
  std::vector<std::string> gateways;
  std::string bridge;
  std::uint32_t mtu = 0;  // 0: the bridge's
  // Of the default routes through `gateways`; where one goes, the next lowest takes over.
  std::uint32_t metric = 0;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "network", self.network);
    visit(2, "link", self.link);
    visit(3, "guest_device", self.guest_device);
    visit(4, "mac", self.mac);
    visit(5, "addresses", self.addresses);
    visit(6, "gateways", self.gateways);
    visit(7, "bridge", self.bridge);
    visit(8, "mtu", self.mtu);
    visit(9, "metric", self.metric);
  }
};

// A file or directory of the host that the workload sees: a bind or a volume's data.
struct Share {
  std::string source;       // a path of the host
  std::string destination;  // an absolute path inside
  bool read_only = false;
  std::string propagation;  // "" is rprivate
  // Fills an empty volume with what the image has at `destination`, owners and modes too.
  bool copy_up = false;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "source", self.source);
    visit(2, "destination", self.destination);
    visit(3, "read_only", self.read_only);
    visit(4, "propagation", self.propagation);
    visit(5, "copy_up", self.copy_up);
  }
};

// Subordinate ids that a workload's own ids are mapped to.
struct IdRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "first", self.first);
    visit(2, "count", self.count);
  }
  bool operator==(const IdRange&) const = default;
};

// A file's place in a workload, as docker's X-Docker-Container-Path-Stat tells it.
// Units: mode as in stat(2); mtime in nanoseconds since 1970.
struct PathStat {
  std::string name;
  std::uint64_t size = 0;
  std::uint32_t mode = 0;
  std::int64_t mtime = 0;
  std::string link_target;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "name", self.name);
    visit(2, "size", self.size);
    visit(3, "mode", self.mode);
    visit(4, "mtime", self.mtime);
    visit(5, "link_target", self.link_target);
  }
};

enum class ChangeKind : std::uint8_t { modified = 0, added = 1, deleted = 2 };

// One path of the writable layer that differs from the image.
struct Change {
  ChangeKind kind = ChangeKind::modified;
  std::string path;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "kind", self.kind);
    visit(2, "path", self.path);
  }
  bool operator==(const Change&) const = default;
};

// One process of a workload as its own system counts; for people.
// Units: cpu and started in milliseconds, started since 1970; memory in bytes.
struct ProcessRow {
  std::uint32_t number = 0;
  std::uint32_t parent = 0;
  std::string user;
  std::uint64_t cpu = 0;
  std::int64_t started = 0;
  std::string terminal;  // "pts/0", "?"
  std::string state;
  std::uint64_t virtual_memory = 0;
  std::uint64_t resident_memory = 0;
  std::string command;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "number", self.number);
    visit(2, "parent", self.parent);
    visit(3, "user", self.user);
    visit(4, "cpu", self.cpu);
    visit(5, "started", self.started);
    visit(6, "terminal", self.terminal);
    visit(7, "state", self.state);
    visit(8, "virtual_memory", self.virtual_memory);
    visit(9, "resident_memory", self.resident_memory);
    visit(10, "command", self.command);
  }
};

struct LinkStats {
  std::string device;
  std::uint64_t received_bytes = 0, received_packets = 0, received_errors = 0, received_drops = 0;
  std::uint64_t sent_bytes = 0, sent_packets = 0, sent_errors = 0, sent_drops = 0;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "device", self.device);
    visit(2, "received_bytes", self.received_bytes);
    visit(3, "received_packets", self.received_packets);
    visit(4, "received_errors", self.received_errors);
    visit(5, "received_drops", self.received_drops);
    visit(6, "sent_bytes", self.sent_bytes);
    visit(7, "sent_packets", self.sent_packets);
    visit(8, "sent_errors", self.sent_errors);
    visit(9, "sent_drops", self.sent_drops);
  }
};

// What a workload uses now. Units: CPU times in nanoseconds, sizes in bytes.
struct Stats {
  std::uint64_t cpu_total = 0, cpu_user = 0, cpu_system = 0;
  std::uint64_t periods = 0, throttled_periods = 0, throttled_time = 0;
  std::uint64_t memory = 0, memory_peak = 0;
  std::uint64_t memory_limit = 0;  // 0: none
  std::uint64_t inactive_file = 0;
  std::uint64_t memory_failures = 0;
  std::uint64_t tasks = 0;
  std::uint64_t tasks_limit = 0;  // 0: none
  std::uint64_t blocks_read = 0, blocks_written = 0;
  std::vector<LinkStats> links;
  // Of a virtual machine: what all of it costs the host; the figures above are the guest's.
  std::uint64_t host_cpu = 0, host_memory = 0;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "cpu_total", self.cpu_total);
    visit(2, "cpu_user", self.cpu_user);
    visit(3, "cpu_system", self.cpu_system);
    visit(4, "periods", self.periods);
    visit(5, "throttled_periods", self.throttled_periods);
    visit(6, "throttled_time", self.throttled_time);
    visit(7, "memory", self.memory);
    visit(8, "memory_peak", self.memory_peak);
    visit(9, "memory_limit", self.memory_limit);
    visit(10, "inactive_file", self.inactive_file);
    visit(11, "memory_failures", self.memory_failures);
    visit(12, "tasks", self.tasks);
    visit(13, "tasks_limit", self.tasks_limit);
    visit(14, "blocks_read", self.blocks_read);
    visit(15, "blocks_written", self.blocks_written);
    visit(16, "links", self.links);
    visit(17, "host_cpu", self.host_cpu);
    visit(18, "host_memory", self.host_memory);
  }
};

enum class RestartMode : std::uint8_t { no, always, unless_stopped, on_failure };

struct RestartPolicy {
  RestartMode mode = RestartMode::no;
  std::uint32_t maximum_retries = 0;  // on_failure only; 0: no limit
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "mode", self.mode);
    visit(2, "maximum_retries", self.maximum_retries);
  }
  bool operator==(const RestartPolicy&) const = default;
};

// Units: nanoseconds.
struct HealthCheck {
  std::vector<std::string> command;  // empty: no check
  std::int64_t interval = 30'000'000'000;
  std::int64_t timeout = 30'000'000'000;
  std::int64_t start_period = 0;
  std::int64_t start_interval = 5'000'000'000;
  std::uint32_t retries = 3;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "command", self.command);
    visit(2, "interval", self.interval);
    visit(3, "timeout", self.timeout);
    visit(4, "start_period", self.start_period);
    visit(5, "start_interval", self.start_interval);
    visit(6, "retries", self.retries);
  }
};

enum class LogDriver : std::uint8_t { none, json_file };

// Units: bytes; 0 is no limit.
struct LogOptions {
  LogDriver driver = LogDriver::json_file;
  std::uint64_t maximum_size = 0;
  std::uint32_t maximum_files = 1;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "driver", self.driver);
    visit(2, "maximum_size", self.maximum_size);
    visit(3, "maximum_files", self.maximum_files);
  }
};

enum class HullKind : std::uint8_t { container, vm };

// Everything that a shim needs to run one workload, written by the engine as
// ROOT/workloads/<id>/spec.json before the shim starts.
struct Spec {
  std::string id;    // 64 hex digits
  std::string name;  // for messages
  HullKind hull = HullKind::container;
  // The OCI runtime configuration as JSON, without `root` and `process.user`: namespaces, mounts
  // of the system's own, capabilities, seccomp, rlimits, resources, hostname.
  std::string oci;
  Process process;
  bool init = false;                // proa-init as first process
  std::vector<std::string> layers;  // read-only layer files of the host, lowest first
  std::string directory;            // of the host; the writable layer and the log lie in it
  std::string mounts;               // RUN/mnt, where layers are attached
  std::string cgroup;               // "/proa/<id>"
  bool read_only = false;
  bool ephemeral = false;      // removed when it ends (--rm): nothing is kept for a second start
  std::optional<IdRange> ids;  // absent: the host's own user namespace
  std::vector<Share> shares;
  std::vector<Endpoint> endpoints;
  RestartPolicy restart;
  std::optional<HealthCheck> health;
  LogOptions log;
  std::int32_t stop_signal = 15;
  std::int64_t stop_timeout = 10'000'000'000;      // nanoseconds; negative: no end
  std::map<std::string, std::string> annotations;  // "proa.hypervisor", "proa.vm.kernel", ...
  // "" is docker's default profile, "unconfined" is none, else a profile in docker's own format.
  std::string seccomp;
  std::string programs;  // directory of the host with proa-init and the others
  std::string kernel;    // of a virtual machine: the folder of its guest kernel
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "id", self.id);
    visit(2, "name", self.name);
    visit(3, "hull", self.hull);
    visit(4, "oci", self.oci);
    visit(5, "process", self.process);
    visit(6, "init", self.init);
    visit(7, "layers", self.layers);
    visit(8, "directory", self.directory);
    visit(9, "mounts", self.mounts);
    visit(10, "cgroup", self.cgroup);
    visit(11, "read_only", self.read_only);
    visit(12, "ephemeral", self.ephemeral);
    visit(13, "ids", self.ids);
    visit(14, "shares", self.shares);
    visit(15, "endpoints", self.endpoints);
    visit(16, "restart", self.restart);
    visit(17, "health", self.health);
    visit(18, "log", self.log);
    visit(19, "stop_signal", self.stop_signal);
    visit(20, "stop_timeout", self.stop_timeout);
    visit(21, "annotations", self.annotations);
    visit(22, "seccomp", self.seccomp);
    visit(23, "programs", self.programs);
    visit(24, "kernel", self.kernel);
  }
};

}  // namespace proa::wire
