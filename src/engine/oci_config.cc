#include "engine/oci_config.h"

#include <algorithm>

#include "base/number.h"
#include "engine/capabilities.h"
#include "engine/host_devices.h"
#include "engine/make_spec.h"

namespace proa::engine {
namespace {

using json::Value;

const std::vector<std::string> kMasked = {"/proc/asound",
                                          "/proc/acpi",
                                          "/proc/kcore",
                                          "/proc/keys",
                                          "/proc/latency_stats",
                                          "/proc/timer_list",
                                          "/proc/timer_stats",
                                          "/proc/sched_debug",
                                          "/proc/scsi",
                                          "/sys/firmware",
                                          "/sys/devices/virtual/powercap"};
const std::vector<std::string> kReadOnlyPaths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                                 "/proc/sysrq-trigger"};

Value object_of(std::initializer_list<std::pair<const char*, Value>> members) {
  Value object = Value::object();
  for (const auto& [key, value] : members) object.set(key, value);
  return object;
}

std::string octal(std::uint32_t number) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + number % 8));
    number /= 8;
  } while (number != 0);
  return digits;
}

Value mount_of(const char* destination, const char* type, const char* source,
               std::vector<std::string> options) {
  return object_of(
      {{"destination", destination}, {"type", type}, {"source", source}, {"options", options}});
}

Value system_mounts(const Config& config) {
  const char* access = config.privileged ? "rw" : "ro";
  Value mounts = Value::array();
  mounts.push(mount_of("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
  mounts.push(
      mount_of("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
  mounts.push(mount_of("/dev/pts", "devpts", "devpts",
                       {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}));
  mounts.push(mount_of("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", access}));
  mounts.push(
      mount_of("/sys/fs/cgroup", "cgroup", "cgroup", {access, "nosuid", "noexec", "nodev"}));
  // Those of another's ipc namespace come as shares (managed_files.h).
  if (config.ipc_mode != "host" && !config.ipc_mode.starts_with("container:")) {
    mounts.push(mount_of("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  }
  if (config.ipc_mode.empty() || config.ipc_mode == "private") {
    mounts.push(
        mount_of("/dev/shm", "tmpfs", "shm",
                 {"nosuid", "noexec", "nodev", "mode=1777", cat("size=", config.shm_size)}));
  }
  for (const Mount& mount : config.mounts) {
    if (mount.kind != MountKind::tmpfs) continue;
    std::vector<std::string> options = {"noexec", "nosuid", "nodev"};
    for (const std::string_view option : split(mount.tmpfs_options, ',')) {
      if (!option.empty()) options.emplace_back(option);
    }
    if (mount.tmpfs_mode != 0) options.push_back(cat("mode=", octal(mount.tmpfs_mode)));
    if (mount.tmpfs_size > 0) options.push_back(cat("size=", mount.tmpfs_size));
    if (mount.read_only) options.emplace_back("ro");
    mounts.push(mount_of(mount.destination.c_str(), "tmpfs", "tmpfs", options));
  }
  return mounts;
}

// Which of the kinds are new, the host's, or another workload's.
Value namespaces_of(const Workload& workload) {
  const Config& config = workload.config;
  Value namespaces = Value::array();
  const auto add = [&](const char* type, const std::string& mode) {
    if (mode == "host") return;
    Value space = object_of({{"type", type}});
    const auto shared = workload.shared_namespaces.find(type);
    if (shared != workload.shared_namespaces.end()) space.set("path", shared->second);
    namespaces.push(std::move(space));
  };
  add("mount", "");
  add("network", config.network_mode);
  add("pid", config.pid_mode);
  add("ipc", config.ipc_mode);
  add("uts", config.uts_mode);
  add("cgroup", config.cgroupns_mode);
  if (workload.ids) add("user", "");
  return namespaces;
}

Value process_of(const Workload& workload, const std::vector<std::string>& capabilities) {
  const Config& config = workload.config;
  Value sets = Value::object();
  for (const char* set : {"bounding", "effective", "permitted"}) sets.set(set, capabilities);
  const auto& options = config.security_options;
  const bool no_new = std::ranges::any_of(options, [](const std::string& option) {
    return option.starts_with("no-new-privileges") && !option.ends_with("false");
  });
  const std::string cwd = workload.process.working_directory;
  Value process = object_of({{"terminal", workload.process.terminal},
                             {"user", object_of({{"uid", 0}, {"gid", 0}})},
                             {"args", workload.process.arguments},
                             {"env", workload.process.environment},
                             {"cwd", cwd.empty() ? std::string("/") : cwd},
                             {"capabilities", sets},
                             {"noNewPrivileges", no_new}});
  if (config.oom_score_adjust) process.set("oomScoreAdj", *config.oom_score_adjust);
  for (const Ulimit& limit : config.ulimits) {
    std::string type = cat("RLIMIT_", limit.name);
    for (char& letter : type) {
      if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
    }
    Value entry = object_of({{"type", type},
                             {"soft", static_cast<std::uint64_t>(limit.soft)},
                             {"hard", static_cast<std::uint64_t>(limit.hard)}});
    Value* list = nullptr;
    if (process.find("rlimits") == nullptr) process.set("rlimits", Value::array());
    for (auto& member : *process.get_if<Value::Object>()) {
      if (member.key == "rlimits") list = &member.value;
    }
    list->push(std::move(entry));
  }
  return process;
}

// "c 13:* rwm" as docker's --device-cgroup-rule has it.
Result<Value> parse_device_rule(const std::string& text) {
  const auto parts = split(text, ' ');
  const auto bad = [&] {
    return fail(ErrorKind::invalid_argument, "invalid device cgroup rule format: '",
                printable(text), "'");
  };
  if (parts.size() != 3 || parts[0].size() != 1 ||
      std::string_view("abc").find(parts[0]) == std::string_view::npos || parts[2].empty() ||
      parts[2].find_first_not_of("rwm") != std::string_view::npos) {
    return bad();
  }
  Value rule = object_of({{"allow", true}, {"access", std::string(parts[2])}});
  rule.set("type", std::string(parts[0]));
  const auto [major, minor] = split_once(parts[1], ':');
  for (const auto& [key, number] : {std::pair("major", major), std::pair("minor", minor)}) {
    if (number == "*") continue;
    const Result<std::uint32_t> parsed = parse_number<std::uint32_t>(number);
    if (!parsed.ok()) return bad();
    rule.set(key, std::uint64_t{parsed.value()});
  }
  return rule;
}

Value device_rule(bool allow, const std::string& access) {
  return object_of({{"allow", allow}, {"access", access}});
}

// Adds the nodes to the configuration and what may be done with them to the resources.
Result<void> add_devices(const Config& config, Value& linux_part, Value& resources) {
  std::vector<HostDevice> devices = TRY(asked_devices(config));
  Value rules = Value::array();
  rules.push(device_rule(config.privileged, "rwm"));
  // A machine has none of the host's.
  if (config.privileged && config.hull == wire::HullKind::container) {
    for (HostDevice& device : TRY(all_devices())) devices.push_back(std::move(device));
  }
  Value nodes = Value::array();
  for (const HostDevice& device : devices) {
    nodes.push(object_of({{"path", device.path},
                          {"type", std::string(1, device.type)},
                          {"major", std::uint64_t{device.major}},
                          {"minor", std::uint64_t{device.minor}},
                          {"fileMode", std::uint64_t{device.mode}},
                          {"uid", std::uint64_t{device.uid}},
                          {"gid", std::uint64_t{device.gid}}}));
    if (config.privileged) continue;
    Value rule = device_rule(true, device.access);
    rule.set("type", std::string(1, device.type));
    rule.set("major", std::uint64_t{device.major});
    rule.set("minor", std::uint64_t{device.minor});
    rules.push(std::move(rule));
  }
  for (const std::string& text : config.device_rules) rules.push(TRY(parse_device_rule(text)));
  linux_part.set("devices", std::move(nodes));
  resources.set("devices", std::move(rules));
  return {};
}

}  // namespace

Result<Value> oci_config(const Workload& workload, const Options& options) {
  const Config& config = workload.config;
  const auto capabilities = TRY(capabilities_of(config));
  Value resources = resources_of(config.limits);
  Value linux_part = object_of({{"namespaces", namespaces_of(workload)},
                                {"cgroupsPath", cat("/proa", options.tag, "/", workload.id)}});
  TRY(add_devices(config, linux_part, resources));
  linux_part.set("resources", std::move(resources));
  if (workload.ids) {
    Value mapping = object_of(
        {{"containerID", 0}, {"hostID", workload.ids->first}, {"size", workload.ids->count}});
    Value mappings = Value::array();
    mappings.push(mapping);
    linux_part.set("uidMappings", mappings);
    linux_part.set("gidMappings", mappings);
  }
  if (!config.privileged) {
    linux_part.set("maskedPaths", config.masked_paths.value_or(kMasked));
    linux_part.set("readonlyPaths", config.read_only_paths.value_or(kReadOnlyPaths));
  }
  Value sysctls = Value::object();
  for (const auto& [key, value] : config.sysctls) sysctls.set(key, value);
  linux_part.set("sysctl", sysctls);
  Value document = object_of({{"ociVersion", "1.0.2"},
                              {"process", process_of(workload, capabilities)},
                              {"mounts", system_mounts(config)},
                              {"linux", linux_part}});
  if (config.uts_mode != "host") {
    document.set("hostname", config.hostname.empty() ? workload.id.substr(0, 12) : config.hostname);
    if (!config.domain.empty()) document.set("domainname", config.domain);
  }
  return document;
}

Value resources_of(const Limits& limits) {
  Value memory = Value::object();
  if (limits.memory > 0) memory.set("limit", limits.memory);
  if (limits.memory_reservation > 0) memory.set("reservation", limits.memory_reservation);
  if (limits.memory_swap != 0) memory.set("swap", limits.memory_swap);
  if (limits.memory_swappiness && *limits.memory_swappiness >= 0) {
    memory.set("swappiness", *limits.memory_swappiness);
  }
  if (limits.oom_kill_disable) memory.set("disableOOMKiller", true);
  Value cpu = Value::object();
  if (limits.cpu_shares > 0) cpu.set("shares", limits.cpu_shares);
  if (limits.nano_cpus > 0) {
    constexpr std::int64_t kPeriod = 100'000;  // microseconds
    cpu.set("period", kPeriod);
    cpu.set("quota", limits.nano_cpus * kPeriod / 1'000'000'000);
  }
  if (limits.cpu_period > 0) cpu.set("period", limits.cpu_period);
  if (limits.cpu_quota != 0) cpu.set("quota", limits.cpu_quota);
  if (!limits.cpuset_cpus.empty()) cpu.set("cpus", limits.cpuset_cpus);
  if (!limits.cpuset_mems.empty()) cpu.set("mems", limits.cpuset_mems);
  Value resources = object_of({{"memory", memory}, {"cpu", cpu}});
  if (limits.pids && *limits.pids != 0) resources.set("pids", object_of({{"limit", *limits.pids}}));
  if (limits.block_weight != 0) {
    resources.set("blockIO", object_of({{"weight", std::uint64_t{limits.block_weight}}}));
  }
  return resources;
}

}  // namespace proa::engine
