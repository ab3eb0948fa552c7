#include "oci/runtime/default_config.h"

#include "oci/runtime/spec.h"

namespace proa::oci::runtime {
namespace {

using json::Value;

Value mount(const char* destination, const char* type, const char* source,
            std::vector<std::string> options) {
  Value out;
  out.set("destination", destination);
  out.set("type", type);
  out.set("source", source);
  out.set("options", options);
  return out;
}

Value mounts(Rootless rootless) {
  std::vector<std::string> pts{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"};
  // Without privilege the terminals' group is not mapped.
  if (rootless == Rootless::no) pts.emplace_back("gid=5");
  Value out = Value::array();
  out.push(mount("/proc", "proc", "proc", {}));
  out.push(mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
  out.push(mount("/dev/pts", "devpts", "devpts", pts));
  out.push(
      mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}));
  out.push(mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  if (rootless == Rootless::yes) {
    out.push(mount("/sys", "none", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"}));
  } else {
    out.push(mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}));
  }
  out.push(
      mount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}));
  return out;
}

Value process() {
  const std::vector<std::string> names{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
  Value capabilities;
  for (const char* set : {"bounding", "effective", "permitted"}) capabilities.set(set, names);
  Value user;
  user.set("uid", 0);
  user.set("gid", 0);
  Value limit;
  limit.set("type", "RLIMIT_NOFILE");
  limit.set("hard", 1024);
  limit.set("soft", 1024);
  Value out;
  out.set("terminal", true);
  out.set("user", std::move(user));
  out.set("args", std::vector<std::string>{"sh"});
  out.set("env",
          std::vector<std::string>{
              "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"});
  out.set("cwd", "/");
  out.set("capabilities", std::move(capabilities));
  out.set("rlimits", Value(Value::Array{limit}));
  out.set("noNewPrivileges", true);
  return out;
}

Value identity(std::uint32_t host_id) {
  Value mapping;
  mapping.set("containerID", 0);
  mapping.set("hostID", host_id);
  mapping.set("size", 1);
  return Value(Value::Array{mapping});
}

Value linux_part(Rootless rootless, std::uint32_t uid, std::uint32_t gid) {
  Value namespaces = Value::array();
  for (const char* type : {"pid", "network", "ipc", "uts", "mount", "cgroup"}) {
    if (rootless == Rootless::yes && std::string_view(type) == "network") continue;
    namespaces.push(Value::object()).set("type", type);
  }
  Value out;
  if (rootless == Rootless::yes) {
    namespaces.push(Value::object()).set("type", "user");
    out.set("uidMappings", identity(uid));
    out.set("gidMappings", identity(gid));
  } else {
    Value rule;
    rule.set("allow", false);
    rule.set("access", "rwm");
    Value resources;
    resources.set("devices", Value(Value::Array{rule}));
    out.set("resources", std::move(resources));
  }
  out.set("namespaces", std::move(namespaces));
  out.set("maskedPaths",
          std::vector<std::string>{"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys",
                                   "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                                   "/proc/sched_debug", "/sys/firmware", "/proc/scsi"});
  out.set("readonlyPaths", std::vector<std::string>{"/proc/bus", "/proc/fs", "/proc/irq",
                                                    "/proc/sys", "/proc/sysrq-trigger"});
  return out;
}

}  // namespace

Value default_config(Rootless rootless, std::uint32_t uid, std::uint32_t gid) {
  Value root;
  root.set("path", "rootfs");
  root.set("readonly", true);
  Value out;
  out.set("ociVersion", kRuntimeSpecVersion);
  out.set("process", process());
  out.set("root", std::move(root));
  out.set("hostname", "proa");
  out.set("mounts", mounts(rootless));
  out.set("linux", linux_part(rootless, uid, gid));
  return out;
}

}  // namespace proa::oci::runtime
