#include "build/run/step_configuration.h"

#include <array>

#include "base/text.h"
#include "build/run/step_request.h"
#include "oci/runtime/spec.h"

namespace proa::build {
namespace {

using json::Value;

constexpr std::array kCapabilities = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE"};

Value mount_of(const std::string& destination, const char* type, const char* source,
               std::vector<std::string> options) {
  Value mount = Value::object();
  mount.set("destination", destination);
  mount.set("type", type);
  mount.set("source", source);
  mount.set("options", options);
  return mount;
}

Value mounts_of(const StepSpec& spec) {
  const char* access = spec.insecure ? "rw" : "ro";
  Value mounts = Value::array();
  mounts.push(mount_of("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
  mounts.push(
      mount_of("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
  mounts.push(mount_of("/dev/pts", "devpts", "devpts",
                       {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}));
  mounts.push(mount_of("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  mounts.push(mount_of("/dev/shm", "tmpfs", "shm",
                       {"nosuid", "noexec", "nodev", "mode=1777", cat("size=", spec.shm_size)}));
  // A fresh sysfs shows the network namespace of its mounter, which the host's is not.
  if (spec.network == StepNetwork::host && !spec.insecure) {
    mounts.push(mount_of("/sys", "none", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"}));
  } else {
    mounts.push(mount_of("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", access}));
    mounts.push(
        mount_of("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", access}));
  }
  for (const TmpfsMount& tmpfs : spec.tmpfs) {
    std::vector<std::string> options = {"nosuid", "nodev"};
    if (tmpfs.size > 0) options.push_back(cat("size=", tmpfs.size));
    mounts.push(mount_of(tmpfs.destination, "tmpfs", "tmpfs", options));
  }
  return mounts;
}

Value process_of(const StepSpec& spec) {
  std::vector<std::string> names(kCapabilities.begin(), kCapabilities.end());
  if (spec.insecure) {
    names.clear();
    for (int number = 0; number < oci::runtime::capability_count(); ++number) {
      names.emplace_back(oci::runtime::capability_name(number));
    }
  }
  Value sets = Value::object();
  for (const char* set : {"bounding", "effective", "permitted"}) sets.set(set, names);
  Value user = Value::object();
  user.set("uid", 0);
  user.set("gid", 0);
  Value process = Value::object();
  process.set("user", std::move(user));
  process.set("args", spec.arguments);
  process.set("env", spec.environment);
  process.set("cwd", spec.working_directory);
  process.set("capabilities", std::move(sets));
  return process;
}

// A namespace of the step's own, or where it is on a network the one that comes with it.
Value namespace_of(const StepSpec& spec, const char* type, int descriptor) {
  Value space = Value::object();
  space.set("type", type);
  if (spec.network == StepNetwork::joined) space.set("path", cat("/proc/self/fd/", descriptor));
  return space;
}

Value linux_of(const StepSpec& spec) {
  Value out = Value::object();
  Value namespaces = Value::array();
  for (const char* type : {"mount", "pid", "ipc", "uts"}) {
    namespaces.push(Value::object()).set("type", type);
  }
  if (spec.network != StepNetwork::host) {
    namespaces.push(namespace_of(spec, "network", step_descriptor::kNetwork));
  }
  if (spec.network != StepNetwork::host || spec.insecure) {
    namespaces.push(Value::object()).set("type", "cgroup");
  }
  Value resources = Value::object();
  if (spec.memory > 0) {
    Value memory = Value::object();
    memory.set("limit", spec.memory);
    resources.set("memory", std::move(memory));
  }
  if (!spec.insecure) {
    namespaces.push(namespace_of(spec, "user", step_descriptor::kUser));
    Value mapping = Value::object();
    mapping.set("containerID", 0);
    mapping.set("hostID", spec.ids_first);
    mapping.set("size", spec.ids_count);
    out.set("uidMappings", Value(Value::Array{mapping}));
    out.set("gidMappings", Value(Value::Array{mapping}));
    out.set("maskedPaths",
            std::vector<std::string>{"/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys",
                                     "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                                     "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
                                     "/sys/devices/virtual/powercap"});
    out.set("readonlyPaths", std::vector<std::string>{"/proc/bus", "/proc/fs", "/proc/irq",
                                                      "/proc/sys", "/proc/sysrq-trigger"});
  }
  out.set("namespaces", std::move(namespaces));
  out.set("cgroupsPath", spec.cgroup);
  out.set("resources", std::move(resources));
  return out;
}

}  // namespace

json::Value step_configuration(const StepSpec& spec) {
  Value document = Value::object();
  document.set("ociVersion", oci::runtime::kRuntimeSpecVersion);
  document.set("process", process_of(spec));
  document.set("hostname", kStepHostName);
  document.set("mounts", mounts_of(spec));
  document.set("linux", linux_of(spec));
  return document;
}

std::vector<std::string> step_destinations(const StepSpec& spec) {
  std::vector<std::string> destinations = {"/proc", "/dev", "/sys"};
  for (const TmpfsMount& tmpfs : spec.tmpfs) destinations.push_back(tmpfs.destination);
  return destinations;
}

}  // namespace proa::build
