#include "engine/make_spec.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <set>

#include "base/number.h"
#include "engine/network_mode.h"

namespace proa::engine {
namespace {

using json::Value;

// What docker gives every container.
constexpr std::array kCapabilities = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE"};
constexpr std::array kAllCapabilities = {"CAP_CHOWN",
                                         "CAP_DAC_OVERRIDE",
                                         "CAP_DAC_READ_SEARCH",
                                         "CAP_FOWNER",
                                         "CAP_FSETID",
                                         "CAP_KILL",
                                         "CAP_SETGID",
                                         "CAP_SETUID",
                                         "CAP_SETPCAP",
                                         "CAP_LINUX_IMMUTABLE",
                                         "CAP_NET_BIND_SERVICE",
                                         "CAP_NET_BROADCAST",
                                         "CAP_NET_ADMIN",
                                         "CAP_NET_RAW",
                                         "CAP_IPC_LOCK",
                                         "CAP_IPC_OWNER",
                                         "CAP_SYS_MODULE",
                                         "CAP_SYS_RAWIO",
                                         "CAP_SYS_CHROOT",
                                         "CAP_SYS_PTRACE",
                                         "CAP_SYS_PACCT",
                                         "CAP_SYS_ADMIN",
                                         "CAP_SYS_BOOT",
                                         "CAP_SYS_NICE",
                                         "CAP_SYS_RESOURCE",
                                         "CAP_SYS_TIME",
                                         "CAP_SYS_TTY_CONFIG",
                                         "CAP_MKNOD",
                                         "CAP_LEASE",
                                         "CAP_AUDIT_WRITE",
                                         "CAP_AUDIT_CONTROL",
                                         "CAP_SETFCAP",
                                         "CAP_MAC_OVERRIDE",
                                         "CAP_MAC_ADMIN",
                                         "CAP_SYSLOG",
                                         "CAP_WAKE_ALARM",
                                         "CAP_BLOCK_SUSPEND",
                                         "CAP_AUDIT_READ",
                                         "CAP_PERFMON",
                                         "CAP_BPF",
                                         "CAP_CHECKPOINT_RESTORE"};
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

std::string full_capability(const std::string& text) {
  std::string name = text;
  for (char& letter : name) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  return name.starts_with("CAP_") || name == "ALL" ? name : cat("CAP_", name);
}

Result<std::vector<std::string>> capabilities_of(const Config& config) {
  const std::set<std::string> known(kAllCapabilities.begin(), kAllCapabilities.end());
  std::set<std::string> held(kCapabilities.begin(), kCapabilities.end());
  const auto change = [&](const std::vector<std::string>& names, bool add) -> Result<void> {
    for (const std::string& text : names) {
      const std::string name = full_capability(text);
      if (name == "ALL") {
        held = add ? known : std::set<std::string>();
      } else if (!known.contains(name)) {
        return fail(ErrorKind::invalid_argument, "invalid capability: \"", printable(text), "\"");
      } else if (add) {
        held.insert(name);
      } else {
        held.erase(name);
      }
    }
    return {};
  };
  if (config.privileged) return std::vector<std::string>(known.begin(), known.end());
  // As docker: a drop of ALL comes first, so that single ones can be added back.
  const auto drops_all = [](const std::string& name) { return full_capability(name) == "ALL"; };
  if (std::ranges::any_of(config.capabilities_drop, drops_all)) held.clear();
  TRY(change(config.capabilities_add, true));
  std::vector<std::string> drops;
  for (const std::string& name : config.capabilities_drop) {
    if (!drops_all(name)) drops.push_back(name);
  }
  TRY(change(drops, false));
  return std::vector<std::string>(held.begin(), held.end());
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
  mounts.push(mount_of("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  if (config.ipc_mode != "host") {
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
    if (mount.tmpfs_size > 0) options.push_back(cat("size=", mount.tmpfs_size));
    if (mount.read_only) options.emplace_back("ro");
    mounts.push(mount_of(mount.destination.c_str(), "tmpfs", "tmpfs", options));
  }
  return mounts;
}

Result<Value> namespaces_of(const Workload& workload) {
  const Config& config = workload.config;
  Value namespaces = Value::array();
  const auto add = [&](const char* type) { namespaces.push(object_of({{"type", type}})); };
  add("mount");
  if (config.network_mode != "host") add("network");
  if (config.pid_mode != "host") add("pid");
  if (config.ipc_mode != "host") add("ipc");
  if (config.uts_mode != "host") add("uts");
  if (config.cgroupns_mode != "host") add("cgroup");
  if (workload.ids) add("user");
  for (const std::string* mode : {&config.network_mode, &config.pid_mode, &config.ipc_mode}) {
    if (mode->starts_with("container:")) {
      return fail(ErrorKind::unsupported, "sharing namespaces with '", printable(*mode),
                  "' is not supported");
    }
  }
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

Result<Value> oci_config(const Workload& workload, const Options& options) {
  const Config& config = workload.config;
  const auto capabilities = TRY(capabilities_of(config));
  Value linux_part = object_of({{"namespaces", TRY(namespaces_of(workload))},
                                {"resources", resources_of(config.limits)},
                                {"cgroupsPath", cat("/proa", options.tag, "/", workload.id)}});
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

// Later entries win; an entry without "=" takes the variable away, as docker does.
std::vector<std::string> merge_environment(const std::vector<std::string>& image,
                                           const std::vector<std::string>& asked) {
  std::vector<std::string> merged = image;
  const auto name_of = [](const std::string& entry) { return split_once(entry, '=').first; };
  if (std::ranges::none_of(image, [&](const auto& entry) { return name_of(entry) == "PATH"; })) {
    merged.insert(merged.begin(),
                  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  }
  for (const std::string& entry : asked) {
    const auto old = std::ranges::find_if(
        merged, [&](const std::string& other) { return name_of(other) == name_of(entry); });
    if (entry.find('=') == std::string::npos) {
      if (old != merged.end()) merged.erase(old);
    } else if (old != merged.end()) {
      *old = entry;
    } else {
      merged.push_back(entry);
    }
  }
  return merged;
}

}  // namespace

bool takes_host_ids(const Config& config) {
  return config.privileged || config.userns_mode == "host" || config.network_mode == "host" ||
         config.pid_mode == "host" || config.ipc_mode == "host";
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

Result<int> parse_signal(std::string_view text) {
  std::string_view name = text;
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (int number = 1; number < 32; ++number) {
    const char* known = ::sigabbrev_np(number);
    if (known != nullptr && name == known) return number;
  }
  const Result<int> number = parse_number<int>(name);
  if (number.ok() && number.value() > 0 && number.value() <= SIGRTMAX) return number.value();
  return fail(ErrorKind::invalid_argument, "Invalid signal: ", printable(text, 40));
}

Result<void> apply_image(Workload& workload, const ImageFacts& image) {
  Config& config = workload.config;
  wire::Process& process = workload.process;
  workload.image_id = image.id;
  workload.layers = image.layers;
  const bool own_entrypoint = config.entrypoint.has_value();
  std::vector<std::string> arguments = config.entrypoint.value_or(image.entrypoint);
  if (own_entrypoint && arguments == std::vector<std::string>{""}) arguments.clear();
  // A new entrypoint takes the image's command away with it.
  const auto command = config.command && !config.command->empty() ? *config.command
                       : own_entrypoint                           ? std::vector<std::string>()
                                                                  : image.command;
  arguments.insert(arguments.end(), command.begin(), command.end());
  if (arguments.empty()) return fail(ErrorKind::invalid_argument, "No command specified");
  workload.arguments = arguments;
  process.arguments = arguments;
  process.environment = merge_environment(image.environment, config.environment);
  if (!config.domain.empty() || !config.hostname.empty() || config.uts_mode != "host") {
    const std::string host = config.hostname.empty() ? workload.id.substr(0, 12) : config.hostname;
    process.environment = merge_environment(process.environment, {cat("HOSTNAME=", host)});
  }
  if (config.terminal) {
    process.environment = merge_environment({"TERM=xterm"}, process.environment);
  }
  process.working_directory =
      config.working_directory.empty() ? image.working_directory : config.working_directory;
  process.user = config.user.empty() ? image.user : config.user;
  process.groups = config.groups;
  process.terminal = config.terminal;
  process.open_input = config.open_input;
  for (const auto& [key, value] : image.labels) config.labels.emplace(key, value);
  if (config.stop_signal.empty()) config.stop_signal = image.stop_signal;
  if (config.no_health) {
    config.health.reset();
  } else if (!config.health) {
    config.health = image.health;
  }
  for (const std::string& volume : image.volumes) config.image_volumes.push_back(volume);
  for (const std::string& port : image.exposed_ports) config.exposed_ports.push_back(port);
  return {};
}

Result<wire::Spec> make_spec(const Workload& workload, const Options& options) {
  const Config& config = workload.config;
  wire::Spec spec;
  spec.id = workload.id;
  spec.name = workload.name;
  spec.hull = config.hull;
  spec.oci = json::print(TRY(oci_config(workload, options)));
  spec.process = workload.process;
  spec.init = config.init;
  spec.layers = workload.layers;
  spec.directory = cat(options.root, "/workloads/", workload.id);
  spec.mounts = cat(options.run, "/mnt");
  spec.programs = options.programs;
  spec.cgroup = cat("/proa", options.tag, "/", workload.id);
  spec.read_only = config.read_only;
  spec.ephemeral = config.auto_remove;
  spec.ids = workload.ids;
  for (const MountPoint& point : workload.mounts) {
    if (point.mount.kind == MountKind::tmpfs) continue;
    const bool volume = point.mount.kind == MountKind::volume;
    spec.shares.push_back({point.source, point.mount.destination, point.mount.read_only,
                           point.mount.propagation, volume && !point.mount.no_copy});
  }
  for (const Attachment& attachment : workload.networks) {
    if (!attachment.link.empty()) spec.endpoints.push_back(endpoint_of(attachment));
  }
  spec.restart = config.restart;
  spec.health = config.health;
  spec.log = config.log;
  spec.stop_signal = config.stop_signal.empty() ? SIGTERM : TRY(parse_signal(config.stop_signal));
  spec.stop_timeout = config.stop_timeout.value_or(10) * 1'000'000'000;
  spec.annotations = config.annotations;
  return spec;
}

}  // namespace proa::engine
