#include "api/docker/body/config_body.h"

#include <algorithm>
#include <array>
#include <span>

#include "api/docker/body/description.h"
#include "api/docker/body/limits_body.h"
#include "api/docker/body/log_body.h"
#include "api/docker/body/mount_body.h"
#include "api/docker/body/network_body.h"
#include "api/route/shape.h"

namespace proa::api::docker {
namespace {

using engine::Config;
using json::Reader;
using json::Value;

// Go's strslice: one string or a list of them.
Result<void> read_words(const Reader& reader, std::optional<std::vector<std::string>>& words) {
  if (reader.value().get_if<std::string>() != nullptr) {
    words.emplace().push_back(TRY(reader.string()));
  } else {
    words = TRY(reader.strings());
  }
  return {};
}

// {"/data":{}}: a set as Go writes it.
Result<void> read_set(const Reader& reader, std::vector<std::string>& into) {
  for (const auto& [key, nothing] : TRY(reader.members())) into.emplace_back(key);
  return {};
}

Value print_set(const std::vector<std::string>& values) {
  if (values.empty()) return {};
  Value object = Value::object();
  for (const std::string& value : values) object.set(value, Value::object());
  return object;
}

Value words_or_null(const std::vector<std::string>& words) {
  return words.empty() ? Value() : Value(words);
}

// What was asked for, and what the image adds to it; not what every start adds.
std::vector<std::string> shown_environment(const engine::Workload& workload) {
  std::vector<std::string> shown = workload.config.environment;
  for (const std::string& entry : workload.process.environment) {
    const std::string_view name = split_once(entry, '=').first;
    const bool known = std::ranges::any_of(
        shown, [&](const std::string& other) { return split_once(other, '=').first == name; });
    if (!known && name != "HOSTNAME" && name != "TERM") shown.push_back(entry);
  }
  return shown;
}

// Config's plain members, the same for both directions.
template <typename Visitor, typename Self>
void config_shape(Visitor& visit, Self& config) {
  visit("Hostname", config.hostname);
  visit("Domainname", config.domain);
  visit("User", config.user);
  visit("AttachStdin", config.attach_input);
  visit("AttachStdout", config.attach_output);
  visit("AttachStderr", config.attach_error);
  visit("Tty", config.terminal);
  visit("OpenStdin", config.open_input);
  visit("StdinOnce", config.input_once);
  visit("Env", config.environment);
  visit("Image", config.image);
  visit("WorkingDir", config.working_directory);
  visit("Labels", config.labels);
}

// HostConfig's plain members.
template <typename Visitor, typename Self>
void host_shape(Visitor& visit, Self& config) {
  visit("NetworkMode", config.network_mode);
  visit("AutoRemove", config.auto_remove);
  visit("Annotations", config.annotations);
  visit("CapAdd", config.capabilities_add);
  visit("CapDrop", config.capabilities_drop);
  visit("CgroupnsMode", config.cgroupns_mode);
  visit("Dns", config.dns);
  visit("DnsOptions", config.dns_options);
  visit("DnsSearch", config.dns_search);
  visit("ExtraHosts", config.extra_hosts);
  visit("GroupAdd", config.groups);
  visit("IpcMode", config.ipc_mode);
  visit("OomScoreAdj", config.oom_score_adjust);
  visit("PidMode", config.pid_mode);
  visit("Privileged", config.privileged);
  visit("PublishAllPorts", config.publish_all);
  visit("ReadonlyRootfs", config.read_only);
  visit("SecurityOpt", config.security_options);
  visit("UTSMode", config.uts_mode);
  visit("UsernsMode", config.userns_mode);
  visit("Sysctls", config.sysctls);
  visit("Runtime", config.runtime);
  visit("Devices", config.devices);
  visit("DeviceCgroupRules", config.device_rules);
  visit("Ulimits", config.ulimits);
  visit("Init", config.init);
  visit("Isolation", config.isolation);
  visit("VolumesFrom", config.volumes_from);
}

Result<void> read_health(const Reader& reader, Config& config) {
  wire::HealthCheck check;
  std::int64_t interval = 0, timeout = 0, start_period = 0, start_interval = 0, retries = 0;
  TRY(reader.members());
  ShapeReader visit(reader);
  visit("Test", check.command);
  visit("Interval", interval);
  visit("Timeout", timeout);
  visit("StartPeriod", start_period);
  visit("StartInterval", start_interval);
  visit("Retries", retries);
  TRY(visit.take());
  constexpr std::int64_t kShortest = 1'000'000;
  for (const auto& [name, given] :
       {std::pair("Interval", interval), std::pair("Timeout", timeout),
        std::pair("StartPeriod", start_period), std::pair("StartInterval", start_interval)}) {
    if (given != 0 && given < kShortest) {
      return fail(ErrorKind::invalid_argument, name,
                  " in Healthcheck cannot be less than one millisecond");
    }
  }
  if (retries < 0 || retries > 1'000'000) {
    return fail(ErrorKind::invalid_argument, "Retries in Healthcheck cannot be negative");
  }
  if (!check.command.empty()) {
    const std::string& kind = check.command.front();
    if (kind == "NONE") {
      config.no_health = true;
      return {};
    }
    if ((kind != "CMD" && kind != "CMD-SHELL") || check.command.size() < 2) {
      return fail(ErrorKind::invalid_argument, reader.path(), ".Test: Unknown healthcheck type '",
                  printable(kind), "' (expected 'CMD')");
    }
  }
  if (interval != 0) check.interval = interval;
  if (timeout != 0) check.timeout = timeout;
  if (start_period != 0) check.start_period = start_period;
  if (start_interval != 0) check.start_interval = start_interval;
  if (retries != 0) check.retries = static_cast<std::uint32_t>(retries);
  config.health = std::move(check);
  return {};
}

Value print_health(const Config& config) {
  Value value = Value::object();
  if (config.no_health) {
    value.set("Test", std::vector<std::string>{"NONE"});
    return value;
  }
  const wire::HealthCheck& check = *config.health;
  value.set("Test", check.command);
  value.set("Interval", check.interval);
  value.set("Timeout", check.timeout);
  value.set("StartPeriod", check.start_period);
  value.set("StartInterval", check.start_interval);
  value.set("Retries", check.retries);
  return value;
}

constexpr std::array kRestartNames = {"no", "always", "unless-stopped", "on-failure"};

Result<wire::RestartPolicy> read_restart(const Reader& reader) {
  std::string name;
  std::int64_t count = 0;
  TRY(reader.members());
  ShapeReader visit(reader);
  visit("Name", name);
  visit("MaximumRetryCount", count);
  TRY(visit.take());
  wire::RestartPolicy policy;
  if (!name.empty()) {
    const auto known = std::ranges::find(kRestartNames, name);
    if (known == kRestartNames.end()) {
      return fail(ErrorKind::invalid_argument, "invalid restart policy: unknown policy '",
                  printable(name),
                  "'; use one of 'no', 'always', 'on-failure', or "
                  "'unless-stopped'");
    }
    policy.mode = static_cast<wire::RestartMode>(known - kRestartNames.begin());
  }
  if (count < 0) {
    return fail(ErrorKind::invalid_argument,
                "invalid restart policy: maximum retry count cannot be negative");
  }
  if (count != 0 && policy.mode != wire::RestartMode::on_failure) {
    return fail(ErrorKind::invalid_argument,
                "invalid restart policy: maximum retry count can "
                "only be used with 'on-failure'");
  }
  policy.maximum_retries = static_cast<std::uint32_t>(std::min<std::int64_t>(count, 1 << 30));
  return policy;
}

Result<void> choose_hull(Config& config) {
  const std::string& word = config.runtime;
  if (word == "vm") {
    config.hull = wire::HullKind::vm;
  } else if (!word.empty() && word != "container" && word != "runc" &&
             word != "io.containerd.runc.v2") {
    return fail(ErrorKind::invalid_argument, "unknown or invalid runtime name: ", printable(word));
  }
  if (config.runtime.empty()) config.runtime = "container";
  return {};
}

Result<void> read_config(const Reader& body, CreateBody& create) {
  Config& config = create.config;
  TRY(refuse_unsupported(body, {"NetworkDisabled", "OnBuild"}));
  ShapeReader visit(body);
  config_shape(visit, config);
  visit("StopSignal", config.stop_signal);
  visit("StopTimeout", config.stop_timeout);
  TRY(visit.take());
  if (const auto words = body.find("Entrypoint")) TRY(read_words(*words, config.entrypoint));
  if (const auto words = body.find("Cmd")) TRY(read_words(*words, config.command));
  if (const auto set = body.find("Volumes")) TRY(read_set(*set, config.image_volumes));
  if (const auto set = body.find("ExposedPorts")) TRY(read_exposed_ports(*set, config));
  if (const auto health = body.find("Healthcheck")) TRY(read_health(*health, config));
  if (config.image.empty()) {
    return fail(ErrorKind::invalid_argument, "Config.Image: no image was named");
  }
  for (const std::string& entry : config.environment) {
    if (entry.empty() || entry.front() == '=') {
      return fail(ErrorKind::invalid_argument, "invalid environment variable: ", printable(entry));
    }
  }
  return {};
}

Result<void> read_host_config(const Reader& host, CreateBody& create,
                              const ConfigDefaults& defaults) {
  Config& config = create.config;
  TRY(refuse_unsupported(host, {"StorageOpt", "Cgroup"}));
  ShapeReader visit(host);
  host_shape(visit, config);
  std::string volume_driver;
  visit("VolumeDriver", volume_driver);
  std::int64_t shm_size = 0;
  visit("ShmSize", shm_size);
  visit("MaskedPaths", config.masked_paths);
  visit("ReadonlyPaths", config.read_only_paths);
  TRY(visit.take());
  if (!volume_driver.empty() && volume_driver != "local") {
    return fail(ErrorKind::not_found, "error looking up volume plugin ", printable(volume_driver),
                ": plugin \"", printable(volume_driver), "\" not found");
  }
  if (!config.isolation.empty() && config.isolation != "default") {
    return fail(ErrorKind::invalid_argument, "invalid isolation: ", printable(config.isolation),
                ": on Linux there is only \"default\"");
  }
  config.console_size = TRY(read_console_size(host));
  if (shm_size < 0) return fail(ErrorKind::invalid_argument, "SHM size can not be less than 0");
  config.shm_size = shm_size == 0 ? defaults.shm_size : shm_size;
  if (config.oom_score_adjust &&
      (*config.oom_score_adjust < -1000 || *config.oom_score_adjust > 1000)) {
    return fail(ErrorKind::invalid_argument, "Invalid value ", *config.oom_score_adjust,
                ", range for oom score adj is [-1000, 1000]");
  }
  TRY(read_mounts(host, config.mounts));
  TRY(read_limits(host, config.limits));
  TRY(check_limits(config.limits));
  if (const auto log = host.find("LogConfig")) config.log = TRY(read_log(*log, defaults.log));
  if (const auto restart = host.find("RestartPolicy")) config.restart = TRY(read_restart(*restart));
  if (config.auto_remove && config.restart.mode != wire::RestartMode::no) {
    return fail(ErrorKind::invalid_argument,
                "can't create 'AutoRemove' container with restart policy");
  }
  if (const auto ports = host.find("PortBindings")) TRY(read_port_bindings(*ports, config));
  return choose_hull(config);
}

// Where people who cannot give annotations can give labels.
void take_labels_as_annotations(Config& config) {
  for (const auto& [key, value] : config.labels) {
    if (key.starts_with("proa.")) config.annotations.emplace(key, value);
  }
}

}  // namespace

Result<CreateBody> read_create(const Value& body, const ConfigDefaults& defaults) {
  const Reader reader(body, "body");
  TRY(check_body(reader, Body::container));
  CreateBody create;
  create.config.log = defaults.log;
  create.config.init = defaults.init;
  create.config.shm_size = defaults.shm_size;
  create.config.runtime = "container";
  TRY(read_config(reader, create));
  if (const auto host = reader.find("HostConfig")) {
    TRY(host->members());
    TRY(read_host_config(*host, create, defaults));
  }
  for (const engine::Ulimit& limit : defaults.ulimits) {
    const bool given = std::ranges::any_of(
        create.config.ulimits, [&](const auto& other) { return other.name == limit.name; });
    if (!given) create.config.ulimits.push_back(limit);
  }
  if (const auto networking = reader.find("NetworkingConfig")) {
    TRY(read_endpoints(*networking, create.config));
  }
  TRY(read_old_mac(reader, create.config));
  if (const auto host = reader.find("HostConfig")) TRY(read_old_links(*host, create.config));
  take_labels_as_annotations(create.config);
  return create;
}

Result<wire::WindowSize> read_console_size(const Reader& object) {
  wire::WindowSize size;
  const auto given = object.find("ConsoleSize");
  if (!given) return size;
  const auto numbers = TRY(given->elements());
  if (numbers.size() != 2) return given->fault("expected two numbers");
  size.rows = TRY(numbers[0].integer<std::uint16_t>());
  size.columns = TRY(numbers[1].integer<std::uint16_t>());
  return size;
}

Result<UpdateBody> read_update(const Value& body, const engine::Limits& now) {
  const Reader reader(body, "body");
  TRY(check_body(reader, Body::update));
  UpdateBody update{now, std::nullopt};
  engine::Limits asked;
  TRY(read_limits(reader, asked));
  // Zero means "as it is" to Docker's clients, which always send every member.
  const auto take = [](auto& into, const auto& value) {
    if (value != std::remove_cvref_t<decltype(value)>()) into = value;
  };
  take(update.limits.memory, asked.memory);
  take(update.limits.memory_reservation, asked.memory_reservation);
  take(update.limits.memory_swap, asked.memory_swap);
  take(update.limits.memory_swappiness, asked.memory_swappiness);
  take(update.limits.nano_cpus, asked.nano_cpus);
  take(update.limits.cpu_shares, asked.cpu_shares);
  take(update.limits.cpu_period, asked.cpu_period);
  take(update.limits.cpu_quota, asked.cpu_quota);
  take(update.limits.cpuset_cpus, asked.cpuset_cpus);
  take(update.limits.cpuset_mems, asked.cpuset_mems);
  take(update.limits.pids, asked.pids);
  take(update.limits.block_weight, asked.block_weight);
  TRY(check_limits(update.limits));
  if (const auto restart = reader.find("RestartPolicy")) {
    const auto* name = restart->value().find("Name");
    const auto* text = name == nullptr ? nullptr : name->get_if<std::string>();
    if (text == nullptr || !text->empty()) update.restart = TRY(read_restart(*restart));
  }
  return update;
}

Value print_config(const engine::Workload& workload) {
  const Config& config = workload.config;
  ShapePrinter visit;
  config_shape(visit, config);
  Value value = visit.take();
  // What it really runs with, the image's defaults included.
  if (config.hostname.empty()) value.set("Hostname", workload.id.substr(0, 12));
  value.set("User", workload.process.user);
  value.set("Env", shown_environment(workload));
  value.set("WorkingDir", workload.process.working_directory);
  const std::vector<std::string> entrypoint =
      config.entrypoint.value_or(std::vector<std::string>());
  const auto& all = workload.arguments;
  const bool in_front = entrypoint.size() <= all.size() &&
                        std::ranges::equal(entrypoint, std::span(all).first(entrypoint.size()));
  value.set("Entrypoint", words_or_null(entrypoint));
  value.set("Cmd", in_front ? words_or_null({all.begin() + std::ssize(entrypoint), all.end()})
                            : words_or_null(config.command.value_or(std::vector<std::string>())));
  value.set("Volumes", print_set(config.image_volumes));
  if (!config.exposed_ports.empty()) value.set("ExposedPorts", print_set(config.exposed_ports));
  if (config.health || config.no_health) value.set("Healthcheck", print_health(config));
  value.set("OnBuild", nullptr);
  if (!config.stop_signal.empty()) value.set("StopSignal", config.stop_signal);
  if (config.stop_timeout) value.set("StopTimeout", *config.stop_timeout);
  return value;
}

Value print_host_config(const engine::Workload& workload) {
  const Config& config = workload.config;
  ShapePrinter visit;
  host_shape(visit, config);
  Value value = visit.take();
  for (const auto& [name, list] :
       {std::pair("CapAdd", &config.capabilities_add),
        std::pair("CapDrop", &config.capabilities_drop),
        std::pair("ExtraHosts", &config.extra_hosts), std::pair("GroupAdd", &config.groups),
        std::pair("SecurityOpt", &config.security_options),
        std::pair("VolumesFrom", &config.volumes_from),
        std::pair("DeviceCgroupRules", &config.device_rules)}) {
    value.set(name, words_or_null(*list));
  }
  value.set("NetworkMode", config.network_mode.empty() ? "default" : config.network_mode);
  value.set("IpcMode", config.ipc_mode.empty() ? "private" : config.ipc_mode);
  value.set("CgroupnsMode", config.cgroupns_mode.empty() ? "private" : config.cgroupns_mode);
  value.set("OomScoreAdj", config.oom_score_adjust.value_or(0));
  if (config.sysctls.empty()) value.set("Sysctls", nullptr);
  if (config.annotations.empty()) value.set("Annotations", nullptr);
  value.set("Init", config.init ? Value(true) : Value());
  print_mounts(config.mounts, value);
  print_limits(config.limits, value);
  value.set("ContainerIDFile", "");
  value.set("VolumeDriver", "");
  value.set("Links", nullptr);
  value.set("Cgroup", "");
  const wire::WindowSize& size = config.console_size;
  value.set("ConsoleSize", Value(Value::Array{Value(size.rows), Value(size.columns)}));
  value.set("ShmSize", config.shm_size);
  value.set("LogConfig", print_log(config.log));
  value.set("PortBindings", print_port_bindings(config.ports));
  Value restart = Value::object();
  restart.set("Name", kRestartNames[static_cast<std::size_t>(config.restart.mode)]);
  restart.set("MaximumRetryCount", config.restart.maximum_retries);
  value.set("RestartPolicy", std::move(restart));
  if (config.masked_paths) value.set("MaskedPaths", *config.masked_paths);
  if (config.read_only_paths) value.set("ReadonlyPaths", *config.read_only_paths);
  return value;
}

}  // namespace proa::api::docker
