// container:NAME: namespaces that a workload has from another.
#include <sys/stat.h>

#include "engine/live_engine.h"
#include "engine/make_spec.h"
#include "hull/light/id_maps.h"
#include "kernel/file/file.h"

namespace proa::engine {
namespace {

constexpr std::string_view kPrefix = "container:";

struct Kind {
  const char* name;     // of the OCI configuration
  const char* file;     // below /proc/PID/ns
  const char* in_text;  // docker's word
  std::string Config::* mode;
};
const Kind kKinds[] = {{"network", "net", "network", &Config::network_mode},
                       {"pid", "pid", "PID", &Config::pid_mode},
                       {"ipc", "ipc", "IPC", &Config::ipc_mode}};

}  // namespace

Result<void> LiveEngine::check_shared(Config& config) {
  for (const Kind& kind : kKinds) {
    std::string& mode = config.*kind.mode;
    if (!mode.starts_with(kPrefix)) continue;
    const EntryPtr other = TRY(find(mode.substr(kPrefix.size())));
    const std::lock_guard lock(mutex_);
    if (other->data.config.hull == wire::HullKind::vm) {
      return fail(ErrorKind::invalid_argument, "cannot join ", kind.in_text, " namespace of ",
                  other->data.id, ": it is a virtual machine, whose namespaces are its guest's");
    }
    if (kind.mode == &Config::ipc_mode && other->data.config.ipc_mode != "shareable") {
      return fail(ErrorKind::busy, "cannot join IPC of a non-shareable container ", other->data.id,
                  " (hint: use IpcMode:shareable for the donor container)");
    }
    mode = cat(kPrefix, other->data.id);
  }
  return {};
}

Result<void> LiveEngine::share_namespaces(const EntryPtr& entry) {
  Workload& workload = entry->data;
  for (const Kind& kind : kKinds) {
    const std::string mode = workload.config.*kind.mode;
    if (!mode.starts_with(kPrefix)) continue;
    const EntryPtr other = TRY(find(mode.substr(kPrefix.size())));
    const std::lock_guard lock(mutex_);
    const Workload& owner = other->data;
    if (!is_up(owner.state.phase) || owner.state.shown_number == 0) {
      return fail(ErrorKind::busy, "cannot join ", kind.in_text,
                  " namespace of a non running container: ", owner.id);
    }
    const std::string process = cat("/proc/", owner.state.shown_number, "/ns/");
    workload.shared_owners[kind.name] = owner.id;
    workload.shared_namespaces[kind.name] = process + kind.file;
    if (!owner.ids || takes_host_ids(workload.config)) continue;
    if (workload.ids && workload.ids != owner.ids) {
      return fail(ErrorKind::invalid_argument,
                  "containers whose namespaces are shared have different users: ", owner.id);
    }
    workload.ids = owner.ids;
    workload.shared_owners["user"] = owner.id;
    workload.shared_namespaces["user"] = process + "user";
  }
  return {};
}

// Whose user namespace a workload gets is decided once, at create, and shown by inspect.
Result<void> LiveEngine::decide_user_namespace(Workload& workload) {
  Config& config = workload.config;
  if (config.hull == wire::HullKind::vm) return {};
  const bool is_asked = config.userns_mode == "private";
  if (takes_host_ids(config)) {
    if (is_asked) {
      return fail(ErrorKind::invalid_argument,
                  "conflicting options: a user namespace of its own goes neither with privileged "
                  "mode nor with the host's namespaces");
    }
    return {};
  }
  for (const MountPoint& point : workload.mounts) {
    if (point.mount.kind == MountKind::tmpfs) continue;
    const Result<bool> maps = hull::can_map_ids(point.source);
    if (!maps.ok()) return maps.error();
    if (maps.value()) continue;
    if (is_asked) {
      return fail(ErrorKind::invalid_argument, "'", printable(point.source),
                  "' lies on a file system whose ids cannot be mapped: a user namespace of its own "
                  "is not possible");
    }
    config.userns_mode = "host";
    return {};
  }
  return {};
}

}  // namespace proa::engine
