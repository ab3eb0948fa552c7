// What a workload was asked to be: docker's Config and HostConfig as the engine understands them,
// kept in state.db as JSON. The api maps docker's bodies to this and back; the engine makes a
// wire::Spec of it at each start.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "wire/values.h"

namespace proa::engine {

// Units: bytes, microseconds where docker's field has them, nano_cpus in 1e-9 CPUs; 0 or absent is
// "not asked for".
struct Limits {
  std::int64_t memory = 0, memory_reservation = 0;
  std::int64_t memory_swap = 0;  // memory and swap together, -1: no limit
  std::optional<std::int64_t> memory_swappiness;
  std::int64_t nano_cpus = 0, cpu_shares = 0, cpu_period = 0, cpu_quota = 0;
  std::string cpuset_cpus, cpuset_mems;
  std::optional<std::int64_t> pids;
  std::uint16_t block_weight = 0;
  bool oom_kill_disable = false;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "memory", self.memory);
    visit(2, "memory_reservation", self.memory_reservation);
    visit(3, "memory_swap", self.memory_swap);
    visit(4, "memory_swappiness", self.memory_swappiness);
    visit(5, "nano_cpus", self.nano_cpus);
    visit(6, "cpu_shares", self.cpu_shares);
    visit(7, "cpu_period", self.cpu_period);
    visit(8, "cpu_quota", self.cpu_quota);
    visit(9, "cpuset_cpus", self.cpuset_cpus);
    visit(10, "cpuset_mems", self.cpuset_mems);
    visit(11, "pids", self.pids);
    visit(12, "block_weight", self.block_weight);
    visit(13, "oom_kill_disable", self.oom_kill_disable);
  }
};

enum class MountKind : std::uint8_t { bind, volume, tmpfs };

struct Mount {
  MountKind kind = MountKind::bind;
  std::string source;  // bind: a path of the host; volume: a name, "" is a new anonymous one
  std::string destination;
  bool read_only = false;
  bool no_copy = false;      // volume: do not fill it from the image
  std::string propagation;   // bind
  bool make_source = false;  // bind: a missing source directory is made (docker's Binds)
  std::int64_t tmpfs_size = 0;
  std::uint32_t tmpfs_mode = 0;
  std::string tmpfs_options;  // of --tmpfs: "size=1m,noexec"
  bool anonymous = false;     // volume: goes with the workload where `rm -v` says so
  std::map<std::string, std::string> labels;  // of a volume made here
  bool short_form = false;  // asked for as docker's Binds and Tmpfs have it, and shown so again
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "kind", self.kind);
    visit(2, "source", self.source);
    visit(3, "destination", self.destination);
    visit(4, "read_only", self.read_only);
    visit(5, "no_copy", self.no_copy);
    visit(6, "propagation", self.propagation);
    visit(7, "make_source", self.make_source);
    visit(8, "tmpfs_size", self.tmpfs_size);
    visit(9, "tmpfs_mode", self.tmpfs_mode);
    visit(10, "tmpfs_options", self.tmpfs_options);
    visit(11, "anonymous", self.anonymous);
    visit(12, "labels", self.labels);
    visit(13, "short_form", self.short_form);
  }
};

struct Ulimit {
  std::string name;  // "nofile"
  std::int64_t soft = 0, hard = 0;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "name", self.name);
    visit(2, "soft", self.soft);
    visit(3, "hard", self.hard);
  }
};

struct Device {
  std::string host_path, path, permissions;  // "rwm"
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "host_path", self.host_path);
    visit(2, "path", self.path);
    visit(3, "permissions", self.permissions);
  }
};

// One network a workload is to join, and one port it publishes.
struct NetworkRequest {
  std::string network, ipv4, ipv6, mac;
  std::vector<std::string> aliases;
  std::vector<std::string> links;       // "container:alias": a name that this workload alone knows
  std::vector<std::string> link_local;  // further addresses: "169.254.8.8"
  std::map<std::string, std::string> driver_options;  // kept and shown: our bridge knows none
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "network", self.network);
    visit(2, "ipv4", self.ipv4);
    visit(3, "ipv6", self.ipv6);
    visit(4, "mac", self.mac);
    visit(5, "aliases", self.aliases);
    visit(6, "links", self.links);
    visit(7, "link_local", self.link_local);
    visit(8, "driver_options", self.driver_options);
  }
};

struct PublishedPort {
  std::uint16_t port = 0;           // inside
  std::string protocol;             // "tcp", "udp"
  std::string host_address;         // "" is every one
  std::uint16_t host_port = 0;      // 0: any free one
  std::uint16_t host_port_end = 0;  // not 0: any free one from host_port to here
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "port", self.port);
    visit(2, "protocol", self.protocol);
    visit(3, "host_address", self.host_address);
    visit(4, "host_port", self.host_port);
    visit(5, "host_port_end", self.host_port_end);
  }
};

struct Config {
  std::string image;  // as it was asked for: "app:latest"
  wire::HullKind hull = wire::HullKind::container;
  std::string runtime;  // the word the client used, for inspect
  // Absent: the image's; an empty list clears the image's.
  std::optional<std::vector<std::string>> entrypoint, command;
  std::vector<std::string> environment;
  std::string working_directory, user, hostname, domain;
  std::vector<std::string> groups;
  bool terminal = false, open_input = false, input_once = false;
  wire::WindowSize console_size;  // of the terminal when it starts; 0 rows: not asked for
  bool attach_input = false, attach_output = false, attach_error = false;
  std::map<std::string, std::string> labels, annotations;
  std::vector<std::string> exposed_ports;    // "80/tcp"
  std::vector<std::string> image_volumes;    // destinations that get anonymous volumes
  std::string stop_signal;                   // "" the image's, else SIGTERM
  std::optional<std::int64_t> stop_timeout;  // seconds
  std::optional<wire::HealthCheck> health;   // absent: the image's
  bool no_health = false;                    // --no-healthcheck
  bool init = false, privileged = false, read_only = false, auto_remove = false;
  wire::RestartPolicy restart;
  wire::LogOptions log;
  Limits limits;
  std::vector<Mount> mounts;
  std::vector<std::string> volumes_from;  // "name[:ro]", for inspect: its mounts are in `mounts`
  std::vector<Ulimit> ulimits;
  std::vector<Device> devices;
  std::vector<std::string> device_rules;  // "c 7:* rwm"
  std::vector<std::string> capabilities_add, capabilities_drop;
  std::vector<std::string> security_options;  // "no-new-privileges", "seccomp=..."
  std::map<std::string, std::string> sysctls;
  std::string network_mode, pid_mode, ipc_mode, uts_mode, userns_mode, cgroupns_mode;
  std::string isolation;  // the word the client used, for inspect
  std::vector<std::string> extra_hosts, dns, dns_options, dns_search;
  std::int64_t shm_size = 64 << 20;  // bytes
  std::optional<std::int32_t> oom_score_adjust;
  std::optional<std::vector<std::string>> masked_paths, read_only_paths;
  std::vector<NetworkRequest> networks;
  std::vector<PublishedPort> ports;
  bool publish_all = false;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "image", self.image);
    visit(2, "hull", self.hull);
    visit(3, "runtime", self.runtime);
    visit(4, "entrypoint", self.entrypoint);
    visit(5, "command", self.command);
    visit(6, "environment", self.environment);
    visit(7, "working_directory", self.working_directory);
    visit(8, "user", self.user);
    visit(9, "hostname", self.hostname);
    visit(10, "domain", self.domain);
    visit(11, "groups", self.groups);
    visit(12, "terminal", self.terminal);
    visit(13, "open_input", self.open_input);
    visit(14, "input_once", self.input_once);
    visit(15, "attach_input", self.attach_input);
    visit(16, "attach_output", self.attach_output);
    visit(17, "attach_error", self.attach_error);
    visit(18, "labels", self.labels);
    visit(19, "annotations", self.annotations);
    visit(20, "exposed_ports", self.exposed_ports);
    visit(21, "image_volumes", self.image_volumes);
    visit(22, "stop_signal", self.stop_signal);
    visit(23, "stop_timeout", self.stop_timeout);
    visit(24, "health", self.health);
    visit(25, "no_health", self.no_health);
    visit(26, "init", self.init);
    visit(27, "privileged", self.privileged);
    visit(28, "read_only", self.read_only);
    visit(29, "auto_remove", self.auto_remove);
    visit(30, "restart", self.restart);
    visit(31, "log", self.log);
    visit(32, "limits", self.limits);
    visit(33, "mounts", self.mounts);
    visit(34, "ulimits", self.ulimits);
    visit(35, "devices", self.devices);
    visit(36, "device_rules", self.device_rules);
    visit(37, "capabilities_add", self.capabilities_add);
    visit(38, "capabilities_drop", self.capabilities_drop);
    visit(39, "security_options", self.security_options);
    visit(40, "sysctls", self.sysctls);
    visit(41, "network_mode", self.network_mode);
    visit(42, "pid_mode", self.pid_mode);
    visit(43, "ipc_mode", self.ipc_mode);
    visit(44, "uts_mode", self.uts_mode);
    visit(45, "userns_mode", self.userns_mode);
    visit(46, "cgroupns_mode", self.cgroupns_mode);
    visit(47, "extra_hosts", self.extra_hosts);
    visit(48, "dns", self.dns);
    visit(49, "dns_options", self.dns_options);
    visit(50, "dns_search", self.dns_search);
    visit(51, "shm_size", self.shm_size);
    visit(52, "oom_score_adjust", self.oom_score_adjust);
    visit(53, "masked_paths", self.masked_paths);
    visit(54, "read_only_paths", self.read_only_paths);
    visit(55, "networks", self.networks);
    visit(56, "ports", self.ports);
    visit(57, "publish_all", self.publish_all);
    visit(58, "console_size", self.console_size);
    visit(59, "volumes_from", self.volumes_from);
    visit(60, "isolation", self.isolation);
  }
};

}  // namespace proa::engine
