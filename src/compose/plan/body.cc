#include "compose/plan/body.h"

#include <cmath>

#include "compose/plan/labels.h"

namespace proa::compose {
namespace {

using json::Value;

Value texts(const TextMap& map) {
  Value object = Value::object();
  for (const auto& [key, value] : map) object.set(key, value);
  return object;
}

void set_if(Value& object, const char* key, const std::string& value) {
  if (!value.empty()) object.set(key, value);
}

void set_if(Value& object, const char* key, const std::vector<std::string>& values) {
  if (!values.empty()) object.set(key, Value(values));
}

template <typename Number>
void set_if(Value& object, const char* key, const std::optional<Number>& value) {
  if (value) object.set(key, *value);
}

void set_if(Value& object, const char* key, const std::optional<ByteSize>& value) {
  if (value) object.set(key, value->bytes);
}

// "service:db" names a container of this project.
std::string namespace_mode(const Project& project, const std::string& mode) {
  if (!mode.starts_with("service:")) return mode;
  const auto service = project.services.find(mode.substr(8));
  if (service == project.services.end()) return mode;
  return cat("container:", container_name(project, service->second, 1));
}

Value health_body(const HealthCheck& check) {
  Value body = Value::object();
  if (check.disable) {
    body.set("Test", std::vector<std::string>{"NONE"});
    return body;
  }
  set_if(body, "Test", check.test);
  const auto span = [&](const char* key, const std::optional<Duration>& value) {
    if (value) body.set(key, value->nanoseconds);
  };
  span("Interval", check.interval);
  span("Timeout", check.timeout);
  span("StartPeriod", check.start_period);
  span("StartInterval", check.start_interval);
  set_if(body, "Retries", check.retries);
  return body;
}

Value mount_body(const Project& project, const VolumeMount& mount) {
  Value body = Value::object();
  body.set("Type", mount.type);
  body.set("Target", mount.target);
  std::string source = mount.source;
  if (mount.type == "volume" && !source.empty()) {
    const auto volume = project.volumes.find(source);
    if (volume != project.volumes.end()) source = volume->second.name;
  }
  set_if(body, "Source", source);
  if (mount.read_only) body.set("ReadOnly", true);
  if (mount.bind) {
    Value options = Value::object();
    set_if(options, "Propagation", mount.bind->propagation);
    if (mount.bind->create_host_path.value_or(false)) options.set("CreateMountpoint", true);
    body.set("BindOptions", std::move(options));
  }
  if (mount.volume && mount.volume->nocopy) {
    body.set("VolumeOptions", Value::Object{{"NoCopy", true}});
  }
  if (mount.tmpfs) {
    Value options = Value::object();
    set_if(options, "SizeBytes", mount.tmpfs->size);
    if (mount.tmpfs->mode) options.set("Mode", mount.tmpfs->mode->mode);
    body.set("TmpfsOptions", std::move(options));
  }
  return body;
}

// Files of configs and secrets are mounted; those with content are copied in before the start.
void add_contents(const std::map<std::string, Content>& defined,
                  const std::vector<ContentMount>& wanted, const std::string& directory,
                  Value& mounts) {
  for (const ContentMount& content : wanted) {
    const auto definition = defined.find(content.source);
    if (definition == defined.end() || definition->second.file.empty()) continue;
    std::string target = content.target.empty() ? content.source : content.target;
    if (!target.starts_with('/')) target = cat(directory, target);
    mounts.push(Value::Object{{"Type", "bind"},
                              {"Source", definition->second.file},
                              {"Target", target},
                              {"ReadOnly", true}});
  }
}

Value restart_body(const Service& service) {
  std::string name = service.restart == "false" ? "no" : service.restart;
  std::int64_t retries = 0;
  if (name.starts_with("on-failure:")) {
    retries = std::atoll(name.c_str() + std::string_view("on-failure:").size());
    name = "on-failure";
  }
  if (name.empty() && service.deploy && service.deploy->restart_policy) {
    const DeployRestart& policy = *service.deploy->restart_policy;
    name = policy.condition == "none"         ? "no"
           : policy.condition == "on-failure" ? "on-failure"
                                              : "always";
    if (name == "on-failure") retries = policy.max_attempts.value_or(0);
  }
  return Value::Object{{"Name", name.empty() ? "no" : name}, {"MaximumRetryCount", retries}};
}

std::string port_key(const Port& port) {
  return cat(port.target, "/", port.protocol.empty() ? "tcp" : port.protocol);
}

void set_ports(const Service& service, Value& body, Value& host) {
  Value exposed = Value::object();
  Value bindings = Value::object();
  for (const std::string& port : service.expose) {
    exposed.set(port.find('/') == std::string::npos ? port + "/tcp" : port, Value::object());
  }
  for (const Port& port : service.ports) {
    const std::string key = port_key(port);
    exposed.set(key, Value::object());
    const Value* present = bindings.find(key);
    Value list = present == nullptr ? Value::array() : *present;
    list.push(Value::Object{{"HostIp", port.host_ip}, {"HostPort", port.published}});
    bindings.set(key, std::move(list));
  }
  body.set("ExposedPorts", std::move(exposed));
  host.set("PortBindings", std::move(bindings));
}

void set_limits(const Service& service, Value& host) {
  const auto cpus = [&](const std::optional<CpuCount>& count) {
    if (count) host.set("NanoCpus", std::llround(count->cpus * 1e9));
  };
  if (service.deploy && service.deploy->resources) {
    if (const auto& limits = service.deploy->resources->limits) {
      cpus(limits->cpus);
      set_if(host, "Memory", limits->memory);
      set_if(host, "PidsLimit", limits->pids);
    }
    if (const auto& reserved = service.deploy->resources->reservations) {
      set_if(host, "MemoryReservation", reserved->memory);
    }
  }
  cpus(service.cpus);
  set_if(host, "CpuShares", service.cpu_shares);
  set_if(host, "CpuQuota", service.cpu_quota);
  if (service.cpu_period) host.set("CpuPeriod", service.cpu_period->nanoseconds / 1000);
  set_if(host, "CpusetCpus", service.cpuset);
  set_if(host, "Memory", service.mem_limit);
  set_if(host, "MemoryReservation", service.mem_reservation);
  set_if(host, "MemorySwap", service.memswap_limit);
  set_if(host, "MemorySwappiness", service.mem_swappiness);
  set_if(host, "PidsLimit", service.pids_limit);
  set_if(host, "OomScoreAdj", service.oom_score_adj);
  set_if(host, "ShmSize", service.shm_size);
  if (service.oom_kill_disable) host.set("OomKillDisable", true);
  Value ulimits = Value::array();
  for (const auto& [name, limit] : service.ulimits) {
    ulimits.push(Value::Object{{"Name", name}, {"Soft", limit.soft}, {"Hard", limit.hard}});
  }
  host.set("Ulimits", std::move(ulimits));
}

Value tmpfs_body(const std::vector<std::string>& mounts) {
  Value body = Value::object();
  for (const std::string& mount : mounts) {
    const auto [path, options] = split_once(mount, ':');
    body.set(std::string(path), options);
  }
  return body;
}

Value devices_body(const std::vector<DeviceMount>& devices) {
  Value body = Value::array();
  for (const DeviceMount& device : devices) {
    body.push(Value::Object{
        {"PathOnHost", device.source},
        {"PathInContainer", device.target},
        {"CgroupPermissions", device.permissions.empty() ? "rwm" : device.permissions}});
  }
  return body;
}

Value host_body(const Project& project, const Service& service) {
  Value host = Value::object();
  host.set("RestartPolicy", restart_body(service));
  set_limits(service, host);
  Value mounts = Value::array();
  for (const VolumeMount& mount : service.volumes) mounts.push(mount_body(project, mount));
  add_contents(project.secrets, service.secrets, "/run/secrets/", mounts);
  add_contents(project.configs, service.configs, "/", mounts);
  host.set("Mounts", std::move(mounts));
  host.set("Tmpfs", tmpfs_body(service.tmpfs));
  std::vector<std::string> hosts;
  for (const auto& [name, addresses] : service.extra_hosts) {
    for (const std::string& address : addresses) hosts.push_back(cat(name, ":", address));
  }
  set_if(host, "ExtraHosts", hosts);
  set_if(host, "Dns", service.dns);
  set_if(host, "DnsOptions", service.dns_opt);
  set_if(host, "DnsSearch", service.dns_search);
  set_if(host, "CapAdd", service.cap_add);
  set_if(host, "CapDrop", service.cap_drop);
  set_if(host, "SecurityOpt", service.security_opt);
  set_if(host, "GroupAdd", service.group_add);
  set_if(host, "DeviceCgroupRules", service.device_cgroup_rules);
  host.set("Devices", devices_body(service.devices));
  set_if(host, "Runtime", service.runtime);
  if (!service.annotations.empty()) host.set("Annotations", texts(service.annotations));
  if (!service.sysctls.empty()) host.set("Sysctls", texts(service.sysctls));
  set_if(host, "Init", service.init);
  if (service.privileged) host.set("Privileged", true);
  if (service.read_only) host.set("ReadonlyRootfs", true);
  set_if(host, "IpcMode", namespace_mode(project, service.ipc));
  set_if(host, "PidMode", namespace_mode(project, service.pid));
  set_if(host, "UTSMode", service.uts);
  set_if(host, "UsernsMode", service.userns_mode);
  set_if(host, "CgroupnsMode", service.cgroup);
  std::vector<std::string> from;
  for (const std::string& other : service.volumes_from) {
    const auto [name, mode] = split_once(other, ':');
    const auto found = project.services.find(std::string(name));
    if (found == project.services.end()) {
      from.push_back(other.starts_with("container:") ? other.substr(10) : other);
    } else {
      from.push_back(cat(container_name(project, found->second, 1), mode.empty() ? "" : ":", mode));
    }
  }
  set_if(host, "VolumesFrom", from);
  if (service.logging) {
    Value log = Value::object();
    log.set("Type", service.logging->driver.empty() ? "json-file" : service.logging->driver);
    log.set("Config", texts(service.logging->options));
    host.set("LogConfig", std::move(log));
  }
  return host;
}

Value endpoint_body(const Service& service, const std::string& name,
                    const std::optional<ServiceNetwork>& network) {
  Value endpoint = Value::object();
  std::vector<std::string> aliases = {name, service.name};
  if (network) {
    aliases.insert(aliases.end(), network->aliases.begin(), network->aliases.end());
    if (!network->ipv4_address.empty() || !network->ipv6_address.empty()) {
      Value addresses = Value::object();
      set_if(addresses, "IPv4Address", network->ipv4_address);
      set_if(addresses, "IPv6Address", network->ipv6_address);
      endpoint.set("IPAMConfig", std::move(addresses));
    }
    set_if(endpoint, "MacAddress", network->mac_address);
  }
  endpoint.set("Aliases", Value(aliases));
  return endpoint;
}

void set_networks(const Project& project, const Service& service, const std::string& name,
                  Value& body, Value& host) {
  if (!service.network_mode.empty()) {
    host.set("NetworkMode", namespace_mode(project, service.network_mode));
    return;
  }
  Value endpoints = Value::object();
  std::string first;
  std::int64_t highest = 0;
  for (const auto& [key, network] : service.networks) {
    const auto defined = project.networks.find(key);
    if (defined == project.networks.end()) continue;
    const std::int64_t priority = network ? network->priority : 0;
    if (first.empty() || priority > highest) {
      first = defined->second.name;
      highest = priority;
    }
    endpoints.set(defined->second.name, endpoint_body(service, name, network));
  }
  host.set("NetworkMode", first);
  body.set("NetworkingConfig", Value::Object{{"EndpointsConfig", std::move(endpoints)}});
}

}  // namespace

Result<Value> container_body(const Project& project, const Service& service, unsigned number,
                             const std::string& image_id) {
  Value body = Value::object();
  body.set("Image", image_name(project, service));
  std::vector<std::string> environment;
  for (const auto& [name, value] : service.environment) {
    environment.push_back(cat(name, "=", value.value_or("")));
  }
  set_if(body, "Env", environment);
  if (service.command) body.set("Cmd", Value(*service.command));
  if (service.entrypoint) body.set("Entrypoint", Value(*service.entrypoint));
  set_if(body, "Hostname", service.hostname);
  set_if(body, "Domainname", service.domainname);
  set_if(body, "User", service.user);
  set_if(body, "WorkingDir", service.working_dir);
  set_if(body, "StopSignal", service.stop_signal);
  if (service.stop_grace_period) {
    body.set("StopTimeout", (service.stop_grace_period->nanoseconds + 999'999'999) / 1'000'000'000);
  }
  if (service.tty) body.set("Tty", true);
  if (service.stdin_open) body.set("OpenStdin", true);
  if (service.healthcheck) body.set("Healthcheck", health_body(*service.healthcheck));
  body.set("Labels", container_labels(project, service, number, image_id));
  Value host = host_body(project, service);
  set_ports(service, body, host);
  set_networks(project, service, container_name(project, service, number), body, host);
  body.set("HostConfig", std::move(host));
  return body;
}

Value network_body(const Project& project, const std::string& key, const Network& network) {
  Value body = Value::object();
  body.set("Name", network.name);
  body.set("CheckDuplicate", true);
  body.set("Driver", network.driver.empty() ? "bridge" : network.driver);
  if (network.internal) body.set("Internal", true);
  if (network.attachable) body.set("Attachable", true);
  if (network.enable_ipv6) body.set("EnableIPv6", true);
  if (network.ipam) {
    Value pools = Value::array();
    for (const AddressPool& pool : network.ipam->config) {
      Value config = Value::object();
      set_if(config, "Subnet", pool.subnet);
      set_if(config, "Gateway", pool.gateway);
      set_if(config, "IPRange", pool.ip_range);
      pools.push(std::move(config));
    }
    Value ipam = Value::object();
    ipam.set("Driver", network.ipam->driver.empty() ? "default" : network.ipam->driver);
    ipam.set("Config", std::move(pools));
    body.set("IPAM", std::move(ipam));
  }
  if (!network.driver_opts.empty()) body.set("Options", texts(network.driver_opts));
  Value labels = texts(network.labels);
  labels.set(std::string(label::kProject), project.name);
  labels.set(std::string(label::kNetwork), key);
  body.set("Labels", std::move(labels));
  return body;
}

Value volume_body(const Project& project, const std::string& key, const Volume& volume) {
  Value body = Value::object();
  body.set("Name", volume.name);
  body.set("Driver", volume.driver.empty() ? "local" : volume.driver);
  if (!volume.driver_opts.empty()) body.set("DriverOpts", texts(volume.driver_opts));
  Value labels = texts(volume.labels);
  labels.set(std::string(label::kProject), project.name);
  labels.set(std::string(label::kVolume), key);
  body.set("Labels", std::move(labels));
  return body;
}

}  // namespace proa::compose
