#include "container/plan/plan.h"

#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>

namespace proa::container {
namespace {

using oci::runtime::NamespaceType;
using oci::runtime::Spec;

std::uint64_t clone_flag(NamespaceType type) {
  switch (type) {
    case NamespaceType::mount:
      return CLONE_NEWNS;
    case NamespaceType::pid:
      return CLONE_NEWPID;
    case NamespaceType::network:
      return CLONE_NEWNET;
    case NamespaceType::ipc:
      return CLONE_NEWIPC;
    case NamespaceType::uts:
      return CLONE_NEWUTS;
    case NamespaceType::user:
      return CLONE_NEWUSER;
    case NamespaceType::cgroup:
      return CLONE_NEWCGROUP;
    case NamespaceType::time:
      return 0x80;  // CLONE_NEWTIME, which sched.h does not have
  }
  return 0;
}

void plan_namespaces(Plan& plan) {
  for (const auto& wanted : plan.spec.linux_part.namespaces) {
    const std::uint64_t flag = clone_flag(wanted.type);
    if (wanted.path.empty()) {
      plan.fresh |= flag;
    } else {
      plan.joins.push_back({flag, wanted.path});
    }
  }
  // The mount namespace last: paths of the others are the caller's. The user namespace before it,
  // for it may be what gives the right to join.
  std::ranges::stable_sort(plan.joins, {}, [](const JoinPlan& join) {
    return join.clone_flag == CLONE_NEWNS ? 2 : join.clone_flag == CLONE_NEWUSER ? 1 : 0;
  });
}

// Sysctls that belong to a namespace; all others are the host's, which a container may not turn.
Result<void> check_sysctl(const Plan& plan, const std::string& key, const std::string& value) {
  constexpr std::array<std::string_view, 8> kIpc = {
      "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
      "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
  for (const std::string_view part : split(key, '/')) {
    if (part.empty() || part == "." || part == "..") {
      return fail(ErrorKind::invalid_argument, "linux.sysctl: '", printable(key),
                  "' is not a name below /proc/sys");
    }
  }
  std::string name = key;
  // "net/ipv4/conf/eth0.1/x": with slashes, dots are part of the names.
  if (name.find('/') != std::string::npos) std::ranges::replace(name, '/', '.');
  std::uint64_t owner = 0;
  if (std::ranges::find(kIpc, name) != kIpc.end() || name.starts_with("fs.mqueue.")) {
    owner = CLONE_NEWIPC;
  } else if (name.starts_with("net.")) {
    owner = CLONE_NEWNET;
  } else if (name == "kernel.domainname" || name == "kernel.hostname") {
    owner = CLONE_NEWUTS;
  } else if (name.starts_with("user.")) {
    owner = CLONE_NEWUSER;
  }
  if (name == "kernel.hostname" || (name == "kernel.domainname" && !plan.spec.domainname.empty() &&
                                    plan.spec.domainname != value)) {
    return fail(ErrorKind::invalid_argument, "linux.sysctl: '", printable(key),
                "' is given by the configuration's own field of that name");
  }
  if (owner == 0) {
    return fail(ErrorKind::invalid_argument, "linux.sysctl: '", printable(key),
                "' is not in a namespace of its own");
  }
  if (!plan.isolates(owner)) {
    return fail(ErrorKind::invalid_argument, "linux.sysctl: '", printable(key),
                "' would be the host's: the container has no ", ns::file_name(owner),
                " namespace of its own");
  }
  return {};
}

Result<void> check_against_namespaces(const Plan& plan) {
  const Spec& spec = plan.spec;
  const bool renames = !spec.hostname.empty() || !spec.domainname.empty();
  if (renames && !plan.isolates(CLONE_NEWUTS)) {
    return fail(ErrorKind::invalid_argument,
                "hostname: the container has no uts namespace of its own");
  }
  for (const auto& [key, value] : spec.linux_part.sysctl) TRY(check_sysctl(plan, key, value));
  return {};
}

std::uint64_t propagation_flags(const std::string& name) {
  if (name == "shared" || name == "rshared") return MS_SHARED | MS_REC;
  if (name == "private" || name == "rprivate") return MS_PRIVATE | MS_REC;
  if (name == "unbindable" || name == "runbindable") return MS_UNBINDABLE | MS_REC;
  if (name == "slave") return MS_SLAVE | MS_REC;
  return MS_SLAVE | MS_REC;
}

// Spec: OCI runtime specification 1.3, config-linux.md, "Default Devices"
void plan_devices(Plan& plan) {
  const MountPlan* dev = plan.mount_of("/dev");
  plan.make_devices = dev == nullptr || dev->destination != "/dev" || dev->kind != MountKind::bind;
  plan.devices = plan.spec.linux_part.devices;
  for (auto& device : plan.devices) device.path = clean_path(device.path);
  struct Default {
    const char* path;
    std::uint32_t major;
    std::uint32_t minor;
  };
  for (const auto& [path, major, minor] :
       {Default{"/dev/null", 1, 3}, Default{"/dev/zero", 1, 5}, Default{"/dev/full", 1, 7},
        Default{"/dev/random", 1, 8}, Default{"/dev/urandom", 1, 9}, Default{"/dev/tty", 5, 0}}) {
    const bool given =
        std::ranges::any_of(plan.devices, [&](const auto& device) { return device.path == path; });
    if (!given) plan.devices.push_back({'c', path, major, minor, 0666, 0, 0});
  }
}

Result<void> plan_mounts(Plan& plan) {
  plan.mounts.reserve(plan.spec.mounts.size());
  for (const auto& mount : plan.spec.mounts) {
    MountPlan planned =
        TRY(plan_mount(mount, plan.bundle), "mount '", printable(mount.destination), "'");
    plan.mounts.push_back(std::move(planned));
  }
  return {};
}

}  // namespace

bool Plan::joins_any(std::uint64_t clone_flag) const {
  return std::ranges::find(joins, clone_flag, &JoinPlan::clone_flag) != joins.end();
}

const MountPlan* Plan::mount_of(std::string_view path) const {
  const MountPlan* best = nullptr;
  for (const MountPlan& mount : mounts) {
    const std::string& place = mount.destination;
    const bool below =
        path == place || (path.starts_with(place) && (place == "/" || path[place.size()] == '/'));
    if (below && (best == nullptr || place.size() >= best->destination.size())) best = &mount;
  }
  return best;
}

Result<void> check_id(std::string_view id) {
  const auto allowed = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_' || letter == '+' || letter == '-' ||
           letter == '.';
  };
  if (id.empty() || id.size() > 1024 || id == "." || id == ".." ||
      !std::ranges::all_of(id, allowed)) {
    return fail(ErrorKind::invalid_argument, "invalid container ID format: '", printable(id), "'");
  }
  return {};
}

Result<Plan> make_plan(oci::runtime::Spec spec, const PlanOptions& options) {
  TRY(check_id(options.id));
  Plan plan;
  plan.id = options.id;
  plan.bundle = options.bundle;
  plan.spec = std::move(spec);
  if (plan.spec.root) {
    const std::string& path = plan.spec.root->path;
    plan.root = path.starts_with('/') ? path : cat(plan.bundle, "/", path);
  }
  plan_namespaces(plan);
  TRY(plan_mounts(plan));
  plan.root_propagation = propagation_flags(plan.spec.linux_part.rootfs_propagation);
  plan_devices(plan);
  TRY(check_against_namespaces(plan));
  if (!plan.spec.process) {
    return fail(ErrorKind::invalid_argument, "process: is missing");
  }
  if (plan.spec.process->args.empty()) {
    return fail(ErrorKind::invalid_argument, "process.args: is empty");
  }
  if (plan.spec.process->capabilities) {
    for (const std::string& name : plan.spec.process->capabilities->unknown) {
      plan.warnings.push_back(cat("capability '", printable(name), "' is not known: left out"));
    }
  }
  return plan;
}

}  // namespace proa::container
