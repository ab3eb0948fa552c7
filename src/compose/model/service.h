// A service of a Compose project, with the keys that the engine knows in their long forms. Each
// struct lists its keys once, for reading and printing (model/read.h, model/print.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compose/model/values.h"

namespace proa::compose {

struct Port {
  std::string name, mode, host_ip;
  std::uint16_t target = 0;
  std::string published;  // a number, or a range that one is taken from
  std::string protocol, app_protocol;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("name", self.name);
    visit("mode", self.mode);
    visit("host_ip", self.host_ip);
    visit("target", self.target);
    visit("published", self.published);
    visit("protocol", self.protocol);
    visit("app_protocol", self.app_protocol);
  }
};

struct BindOptions {
  std::string propagation, selinux;
  std::optional<bool> create_host_path;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("propagation", self.propagation);
    visit("create_host_path", self.create_host_path);
    visit("selinux", self.selinux);
  }
};

struct VolumeOptions {
  bool nocopy = false;
  std::string subpath;
  TextMap labels;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("nocopy", self.nocopy);
    visit("subpath", self.subpath);
    visit("labels", self.labels);
  }
};

struct TmpfsOptions {
  std::optional<ByteSize> size;
  std::optional<FileMode> mode;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("size", self.size);
    visit("mode", self.mode);
  }
};

struct VolumeMount {
  std::string type, source, target, consistency;
  bool read_only = false;
  std::optional<BindOptions> bind;
  std::optional<VolumeOptions> volume;
  std::optional<TmpfsOptions> tmpfs;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("type", self.type);
    visit("source", self.source);
    visit("target", self.target);
    visit("read_only", self.read_only);
    visit("consistency", self.consistency);
    visit("bind", self.bind);
    visit("volume", self.volume);
    visit("tmpfs", self.tmpfs);
  }
};

struct ServiceNetwork {
  std::vector<std::string> aliases;
  std::string ipv4_address, ipv6_address, mac_address;
  std::int64_t priority = 0;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("aliases", self.aliases);
    visit("ipv4_address", self.ipv4_address);
    visit("ipv6_address", self.ipv6_address);
    visit("mac_address", self.mac_address);
    visit("priority", self.priority);
  }
};

struct Dependency {
  std::string condition;
  bool restart = false;
  std::optional<bool> required;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("condition", self.condition);
    visit("restart", self.restart);
    visit("required", self.required);
  }
};

struct HealthCheck {
  std::vector<std::string> test;
  std::optional<Duration> interval, timeout, start_period, start_interval;
  std::optional<std::uint32_t> retries;
  bool disable = false;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("test", self.test);
    visit("interval", self.interval);
    visit("timeout", self.timeout);
    visit("start_period", self.start_period);
    visit("start_interval", self.start_interval);
    visit("retries", self.retries);
    visit("disable", self.disable);
  }
};

struct Resources {
  std::optional<CpuCount> cpus;
  std::optional<ByteSize> memory;
  std::optional<std::int64_t> pids;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("cpus", self.cpus);
    visit("memory", self.memory);
    visit("pids", self.pids);
  }
};

struct DeployResources {
  std::optional<Resources> limits, reservations;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("limits", self.limits);
    visit("reservations", self.reservations);
  }
};

struct DeployRestart {
  std::string condition;
  std::optional<Duration> delay, window;
  std::optional<std::uint32_t> max_attempts;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("condition", self.condition);
    visit("delay", self.delay);
    visit("max_attempts", self.max_attempts);
    visit("window", self.window);
  }
};

struct Deploy {
  std::string mode;
  std::optional<std::uint32_t> replicas;
  TextMap labels;
  std::optional<DeployResources> resources;
  std::optional<DeployRestart> restart_policy;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("mode", self.mode);
    visit("replicas", self.replicas);
    visit("labels", self.labels);
    visit("resources", self.resources);
    visit("restart_policy", self.restart_policy);
  }
};

struct ContentMount {
  std::string source, target, uid, gid;
  std::optional<FileMode> mode;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("source", self.source);
    visit("target", self.target);
    visit("uid", self.uid);
    visit("gid", self.gid);
    visit("mode", self.mode);
  }
};

struct Build {
  std::string context, dockerfile, dockerfile_inline, target, network;
  OptionalTextMap args;
  TextMap labels;
  std::vector<std::string> tags;
  std::map<std::string, std::vector<std::string>> extra_hosts;
  std::vector<ContentMount> secrets;
  std::optional<ByteSize> shm_size;
  bool no_cache = false, pull = false;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("context", self.context);
    visit("dockerfile", self.dockerfile);
    visit("dockerfile_inline", self.dockerfile_inline);
    visit("args", self.args);
    visit("labels", self.labels);
    visit("target", self.target);
    visit("network", self.network);
    visit("tags", self.tags);
    visit("extra_hosts", self.extra_hosts);
    visit("secrets", self.secrets);
    visit("shm_size", self.shm_size);
    visit("no_cache", self.no_cache);
    visit("pull", self.pull);
  }
};

struct Logging {
  std::string driver;
  TextMap options;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("driver", self.driver);
    visit("options", self.options);
  }
};

struct Ulimit {
  std::int64_t soft = 0, hard = 0;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("soft", self.soft);
    visit("hard", self.hard);
  }
};

struct DeviceMount {
  std::string source, target, permissions;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("source", self.source);
    visit("target", self.target);
    visit("permissions", self.permissions);
  }
};

struct EnvFile {
  std::string path, format;
  std::optional<bool> required;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self) {
    visit("path", self.path);
    visit("required", self.required);
    visit("format", self.format);
  }
};

struct Service {
  std::string name;  // its key; not one of its keys
  std::string image, container_name, hostname, domainname, user, working_dir, platform, runtime;
  std::optional<Build> build;
  // Absent: the image's; empty: none.
  std::optional<std::vector<std::string>> command, entrypoint;
  OptionalTextMap environment;
  std::vector<EnvFile> env_file;
  TextMap labels, annotations, sysctls, storage_opt;
  std::vector<std::string> label_file;
  std::map<std::string, std::optional<ServiceNetwork>> networks;
  std::string network_mode, mac_address;
  std::vector<Port> ports;
  std::vector<std::string> expose, links, external_links;
  std::map<std::string, std::vector<std::string>> extra_hosts;
  std::vector<std::string> dns, dns_opt, dns_search;
  std::vector<VolumeMount> volumes;
  std::vector<std::string> volumes_from, tmpfs;
  std::vector<ContentMount> configs, secrets;
  std::map<std::string, Dependency> depends_on;
  std::optional<HealthCheck> healthcheck;
  std::optional<Deploy> deploy;
  std::string restart;
  std::optional<std::uint32_t> scale;
  std::optional<Logging> logging;
  std::vector<std::string> profiles;
  std::string pull_policy, stop_signal;
  std::optional<Duration> stop_grace_period;
  std::optional<bool> init;
  bool tty = false, stdin_open = false, read_only = false, privileged = false, attach = true;
  std::vector<std::string> cap_add, cap_drop, security_opt, group_add, device_cgroup_rules;
  std::vector<DeviceMount> devices;
  std::map<std::string, Ulimit> ulimits;
  std::string ipc, pid, uts, userns_mode, cgroup, cgroup_parent;
  std::optional<CpuCount> cpus;
  std::optional<std::int64_t> cpu_shares, cpu_quota, pids_limit, oom_score_adj, mem_swappiness;
  std::optional<Duration> cpu_period;
  std::string cpuset;
  std::optional<ByteSize> mem_limit, mem_reservation, memswap_limit, shm_size;
  bool oom_kill_disable = false;
  template <typename Visitor, typename Self>
  static void keys(Visitor& visit, Self& self);
};

template <typename Visitor, typename Self>
void Service::keys(Visitor& visit, Self& self) {
  visit("annotations", self.annotations);
  visit("attach", self.attach);
  visit("build", self.build);
  visit("cap_add", self.cap_add);
  visit("cap_drop", self.cap_drop);
  visit("cgroup", self.cgroup);
  visit("cgroup_parent", self.cgroup_parent);
  visit("command", self.command);
  visit("configs", self.configs);
  visit("container_name", self.container_name);
  visit("cpu_period", self.cpu_period);
  visit("cpu_quota", self.cpu_quota);
  visit("cpu_shares", self.cpu_shares);
  visit("cpus", self.cpus);
  visit("cpuset", self.cpuset);
  visit("depends_on", self.depends_on);
  visit("deploy", self.deploy);
  visit("device_cgroup_rules", self.device_cgroup_rules);
  visit("devices", self.devices);
  visit("dns", self.dns);
  visit("dns_opt", self.dns_opt);
  visit("dns_search", self.dns_search);
  visit("domainname", self.domainname);
  visit("entrypoint", self.entrypoint);
  visit("env_file", self.env_file);
  visit("environment", self.environment);
  visit("expose", self.expose);
  visit("external_links", self.external_links);
  visit("extra_hosts", self.extra_hosts);
  visit("group_add", self.group_add);
  visit("healthcheck", self.healthcheck);
  visit("hostname", self.hostname);
  visit("image", self.image);
  visit("init", self.init);
  visit("ipc", self.ipc);
  visit("label_file", self.label_file);
  visit("labels", self.labels);
  visit("links", self.links);
  visit("logging", self.logging);
  visit("mac_address", self.mac_address);
  visit("mem_limit", self.mem_limit);
  visit("mem_reservation", self.mem_reservation);
  visit("mem_swappiness", self.mem_swappiness);
  visit("memswap_limit", self.memswap_limit);
  visit("network_mode", self.network_mode);
  visit("networks", self.networks);
  visit("oom_kill_disable", self.oom_kill_disable);
  visit("oom_score_adj", self.oom_score_adj);
  visit("pid", self.pid);
  visit("pids_limit", self.pids_limit);
  visit("platform", self.platform);
  visit("ports", self.ports);
  visit("privileged", self.privileged);
  visit("profiles", self.profiles);
  visit("pull_policy", self.pull_policy);
  visit("read_only", self.read_only);
  visit("restart", self.restart);
  visit("runtime", self.runtime);
  visit("scale", self.scale);
  visit("secrets", self.secrets);
  visit("security_opt", self.security_opt);
  visit("shm_size", self.shm_size);
  visit("stdin_open", self.stdin_open);
  visit("stop_grace_period", self.stop_grace_period);
  visit("stop_signal", self.stop_signal);
  visit("storage_opt", self.storage_opt);
  visit("sysctls", self.sysctls);
  visit("tmpfs", self.tmpfs);
  visit("tty", self.tty);
  visit("ulimits", self.ulimits);
  visit("user", self.user);
  visit("userns_mode", self.userns_mode);
  visit("uts", self.uts);
  visit("volumes", self.volumes);
  visit("volumes_from", self.volumes_from);
  visit("working_dir", self.working_dir);
}

}  // namespace proa::compose
