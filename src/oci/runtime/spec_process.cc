#include <linux/capability.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>

#include "oci/runtime/fields.h"
#include "oci/runtime/spec_reading.h"

namespace proa::oci::runtime {
namespace {

// In the order of their numbers.
constexpr std::array<std::string_view, CAP_LAST_CAP + 1> kCapabilities = {
    "CAP_CHOWN",
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
    "CAP_CHECKPOINT_RESTORE",
};

struct NamedLimit {
  std::string_view name;
  int number;
};
constexpr std::array kRlimits = {
    NamedLimit{"RLIMIT_CPU", RLIMIT_CPU},
    NamedLimit{"RLIMIT_FSIZE", RLIMIT_FSIZE},
    NamedLimit{"RLIMIT_DATA", RLIMIT_DATA},
    NamedLimit{"RLIMIT_STACK", RLIMIT_STACK},
    NamedLimit{"RLIMIT_CORE", RLIMIT_CORE},
    NamedLimit{"RLIMIT_RSS", RLIMIT_RSS},
    NamedLimit{"RLIMIT_NPROC", RLIMIT_NPROC},
    NamedLimit{"RLIMIT_NOFILE", RLIMIT_NOFILE},
    NamedLimit{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    NamedLimit{"RLIMIT_AS", RLIMIT_AS},
    NamedLimit{"RLIMIT_LOCKS", RLIMIT_LOCKS},
    NamedLimit{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    NamedLimit{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    NamedLimit{"RLIMIT_NICE", RLIMIT_NICE},
    NamedLimit{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    NamedLimit{"RLIMIT_RTTIME", RLIMIT_RTTIME},
};

Result<void> take_capability_set(const json::Reader& object, std::string_view key,
                                 Capabilities& capabilities, std::uint64_t& bits) {
  std::vector<std::string> names;
  TRY(take(object, key, names));
  for (const std::string& name : names) {
    if (const auto number = capability_number(name)) {
      bits |= std::uint64_t{1} << *number;
    } else if (std::ranges::find(capabilities.unknown, name) == capabilities.unknown.end()) {
      capabilities.unknown.push_back(name);
    }
  }
  return {};
}

Result<Capabilities> read_capabilities(const json::Reader& object) {
  Capabilities capabilities;
  TRY(take_capability_set(object, "bounding", capabilities, capabilities.bounding));
  TRY(take_capability_set(object, "effective", capabilities, capabilities.effective));
  TRY(take_capability_set(object, "inheritable", capabilities, capabilities.inheritable));
  TRY(take_capability_set(object, "permitted", capabilities, capabilities.permitted));
  TRY(take_capability_set(object, "ambient", capabilities, capabilities.ambient));
  return capabilities;
}

Result<Rlimit> read_rlimit(const json::Reader& object) {
  TRY(check_object(object));
  std::string type;
  TRY(take_required(object, "type", type));
  const std::optional<int> number = rlimit_number(type);
  if (!number) return object.fault("type: '", printable(type, 40), "' is not a resource limit");
  Rlimit limit{*number, 0, 0};
  TRY(take_required(object, "soft", limit.soft));
  TRY(take_required(object, "hard", limit.hard));
  if (limit.soft > limit.hard) return object.fault("soft: is above hard");
  return limit;
}

Result<User> read_user(const json::Reader& object) {
  User user;
  TRY(take(object, "uid", user.uid));
  TRY(take(object, "gid", user.gid));
  if (user.uid == kNoId) return object.fault("uid: ", kNoId, " means no id");
  if (user.gid == kNoId) return object.fault("gid: ", kNoId, " means no id");
  TRY(take(object, "umask", user.umask));
  if (user.umask && *user.umask > 0777) return object.fault("umask: is above 0777");
  TRY(take_list(object, "additionalGids", user.additional_gids,
                [](const json::Reader& element) { return element.integer<std::uint32_t>(); }));
  return user;
}

Result<IoPriority> read_io_priority(const json::Reader& object) {
  std::string io_class;
  TRY(take_required(object, "class", io_class));
  IoPriority priority;
  if (io_class == "IOPRIO_CLASS_RT") {
    priority.io_class = IoClass::realtime;
  } else if (io_class == "IOPRIO_CLASS_BE") {
    priority.io_class = IoClass::best_effort;
  } else if (io_class == "IOPRIO_CLASS_IDLE") {
    priority.io_class = IoClass::idle;
  } else {
    return object.fault("class: '", printable(io_class, 40), "' is not an I/O priority class");
  }
  TRY(take(object, "priority", priority.priority));
  if (priority.priority < 0 || priority.priority > 7) return object.fault("priority: not 0 to 7");
  return priority;
}

Result<CpuAffinity> read_affinity(const json::Reader& object) {
  CpuAffinity affinity;
  TRY(take(object, "initial", affinity.initial));
  TRY(take(object, "final", affinity.final_set));
  return affinity;
}

Result<void> take_console(const json::Reader& object, Process& process) {
  TRY(take(object, "terminal", process.terminal));
  const std::optional<json::Reader> size = TRY(find_object(object, "consoleSize"));
  if (!size) return {};
  ConsoleSize console;
  TRY(take_required(*size, "height", console.height));
  TRY(take_required(*size, "width", console.width));
  process.console_size = console;
  return {};
}

Result<void> check_process(const json::Reader& object, const Process& process) {
  if (!process.cwd.starts_with('/')) {
    return object.fault("cwd: '", printable(process.cwd), "' is not absolute");
  }
  for (std::size_t i = 0; i < process.rlimits.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (process.rlimits[i].resource == process.rlimits[j].resource) {
        return object.fault("rlimits: ", rlimit_name(process.rlimits[i].resource),
                            " stands there twice");
      }
    }
  }
  return {};
}

}  // namespace

std::optional<int> capability_number(std::string_view name) {
  const auto found = std::ranges::find(kCapabilities, name);
  if (found == kCapabilities.end()) return std::nullopt;
  return static_cast<int>(found - kCapabilities.begin());
}

std::string_view capability_name(int number) {
  return kCapabilities[static_cast<std::size_t>(number)];
}

int capability_count() { return static_cast<int>(kCapabilities.size()); }

std::optional<int> rlimit_number(std::string_view name) {
  const auto found = std::ranges::find(kRlimits, name, &NamedLimit::name);
  if (found == kRlimits.end()) return std::nullopt;
  return found->number;
}

std::string_view rlimit_name(int number) {
  const auto found = std::ranges::find(kRlimits, number, &NamedLimit::number);
  return found == kRlimits.end() ? "?" : found->name;
}

Result<Process> read_process(const json::Reader& object) {
  TRY(check_object(object));
  Process process;
  TRY(take_console(object, process));
  const std::optional<json::Reader> user = TRY(find_object(object, "user"));
  if (user) process.user = TRY(read_user(*user));
  TRY(take(object, "args", process.args));
  TRY(take(object, "env", process.env));
  TRY(take_required(object, "cwd", process.cwd));
  const std::optional<json::Reader> capabilities = TRY(find_object(object, "capabilities"));
  if (capabilities) process.capabilities = TRY(read_capabilities(*capabilities));
  TRY(take_list(object, "rlimits", process.rlimits, read_rlimit));
  TRY(take(object, "noNewPrivileges", process.no_new_privileges));
  TRY(take(object, "apparmorProfile", process.apparmor_profile));
  TRY(take(object, "oomScoreAdj", process.oom_score_adj));
  if (process.oom_score_adj && (*process.oom_score_adj < -1000 || *process.oom_score_adj > 1000)) {
    return object.fault("oomScoreAdj: not -1000 to 1000");
  }
  TRY(take(object, "selinuxLabel", process.selinux_label));
  const std::optional<json::Reader> priority = TRY(find_object(object, "ioPriority"));
  if (priority) process.io_priority = TRY(read_io_priority(*priority));
  const std::optional<json::Reader> scheduler = TRY(find_object(object, "scheduler"));
  if (scheduler) process.scheduler = TRY(read_scheduler(*scheduler));
  const std::optional<json::Reader> affinity = TRY(find_object(object, "execCPUAffinity"));
  if (affinity) process.exec_cpu_affinity = TRY(read_affinity(*affinity));
  TRY(check_process(object, process));
  return process;
}

}  // namespace proa::oci::runtime
