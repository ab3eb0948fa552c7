// state, list, ps, events, spec and features.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "apps/oci/commands.h"
#include "base/text.h"
#include "container/limits/cgroup_set.h"
#include "container/limits/stats.h"
#include "container/plan/mount_plan.h"
#include "container/seccomp/compile.h"
#include "kernel/file/file.h"
#include "oci/runtime/default_config.h"

namespace proa::oci_app {
namespace {

using json::Value;

void print_line(std::string_view text) {
  std::printf("%.*s\n", static_cast<int>(text.size()), text.data());
}

Value describe(const State& state, Status status) {
  Value out;
  out.set("ociVersion", oci::runtime::kRuntimeSpecVersion);
  out.set("id", state.id);
  out.set("pid", status == Status::stopped ? 0 : state.pid);
  out.set("status", name(status));
  out.set("bundle", state.bundle);
  out.set("rootfs", state.rootfs);
  out.set("created", state.created);
  return out;
}

Value stats_json(const container::limits::Stats& stats) {
  Value out;
  if (stats.cpu) {
    Value usage;
    usage.set("total", stats.cpu->total);
    usage.set("kernel", stats.cpu->system);
    usage.set("user", stats.cpu->user);
    Value throttling;
    throttling.set("periods", stats.cpu->periods);
    throttling.set("throttledPeriods", stats.cpu->throttled_periods);
    throttling.set("throttledTime", stats.cpu->throttled_time);
    Value cpu;
    cpu.set("usage", std::move(usage));
    cpu.set("throttling", std::move(throttling));
    out.set("cpu", std::move(cpu));
  }
  if (stats.memory) {
    Value usage;
    usage.set("usage", stats.memory->memory.usage);
    usage.set("max", stats.memory->memory.peak.value_or(0));
    usage.set("limit", stats.memory->memory.limit.value_or(0));
    usage.set("failcnt", stats.memory->memory.failures);
    Value raw = Value::object();
    for (const auto& [key, value] : stats.memory->raw) raw.set(key, value);
    Value memory;
    memory.set("usage", std::move(usage));
    memory.set("cache", stats.memory->cache);
    memory.set("raw", std::move(raw));
    out.set("memory", std::move(memory));
  }
  if (stats.pids) {
    Value pids;
    pids.set("current", stats.pids->current);
    pids.set("limit", stats.pids->limit.value_or(0));
    out.set("pids", std::move(pids));
  }
  return out;
}

Result<std::vector<std::string>> namespaces_here() {
  std::vector<std::string> names;
  for (const auto& [file, word] :
       {std::pair{"cgroup", "cgroup"}, std::pair{"ipc", "ipc"}, std::pair{"mnt", "mount"},
        std::pair{"net", "network"}, std::pair{"pid", "pid"}, std::pair{"user", "user"},
        std::pair{"uts", "uts"}, std::pair{"time", "time"}}) {
    if (file::exists(cat("/proc/self/ns/", file))) names.emplace_back(word);
  }
  return names;
}

Value enabled(bool is) {
  Value out;
  out.set("enabled", is);
  return out;
}

bool kernel_names_lsm(std::string_view wanted) {
  const Result<std::string> modules = file::read_file("/sys/kernel/security/lsm");
  if (!modules.ok()) return false;
  for (const std::string_view module : split(trim(modules.value()), ',')) {
    if (module == wanted) return true;
  }
  return false;
}

std::string owner_name(uid_t owner) { return owner == 0 ? std::string("root") : cat(owner); }

}  // namespace

Value state_value(const State& state, const oci::runtime::Spec& spec, Status status) {
  Value out = describe(state, status);
  Value annotations = Value::object();
  for (const auto& [key, value] : spec.annotations) annotations.set(key, value);
  out.set("annotations", std::move(annotations));
  out.set("owner", owner_name(state.owner));
  return out;
}

Result<void> write_pid_file(const std::string& path, pid_t pid) {
  if (path.empty()) return {};
  return file::replace_file(FdRef::cwd(), path, cat(pid), 0644, file::Durable::no);
}

Result<int> state_command(const Context& context, Arguments arguments) {
  TRY(take_options(arguments, {}));
  const std::string id = TRY(take_id(arguments));
  const State state = TRY(context.store.load(id));
  const Status status = TRY(context.store.status(state));
  const Result<oci::runtime::Spec> spec = context.store.spec(id);
  print_line(json::print_pretty(
      state_value(state, spec.ok() ? spec.value() : oci::runtime::Spec(), status)));
  return 0;
}

Result<int> list_command(const Context& context, Arguments arguments) {
  std::string format = "table";
  bool quiet = false;
  TRY(take_options(arguments,
                   {value_option("format", 'f', format), switch_option("quiet", 'q', quiet)}));
  const std::vector<std::string> ids = TRY(context.store.ids());
  Value rows = Value::array();
  if (!quiet && format == "table") {
    std::printf("%-24s %-8s %-10s %-32s %-32s %s\n", "ID", "PID", "STATUS", "BUNDLE", "CREATED",
                "OWNER");
  }
  for (const std::string& id : ids) {
    const Result<State> state = context.store.load(id);
    if (!state.ok()) continue;  // deleted meanwhile
    const Status status = TRY(context.store.status(state.value()));
    Value row = describe(state.value(), status);
    row.set("owner", owner_name(state.value().owner));
    if (quiet) {
      print_line(id);
    } else if (format == "table") {
      std::printf("%-24s %-8d %-10s %-32s %-32s %s\n", id.c_str(),
                  status == Status::stopped ? 0 : state.value().pid,
                  std::string(name(status)).c_str(), state.value().bundle.c_str(),
                  state.value().created.c_str(), owner_name(state.value().owner).c_str());
    }
    rows.push(std::move(row));
  }
  if (!quiet && format == "json") print_line(json::print(rows));
  if (format != "json" && format != "table") {
    return fail(ErrorKind::invalid_argument, "invalid format '", printable(format, 20),
                "' (table, json)");
  }
  return 0;
}

Result<int> ps_command(const Context& context, Arguments arguments) {
  std::string format = "table";
  TRY(take_options(arguments, {value_option("format", 'f', format)}));
  const std::string id = TRY(take_id(arguments));
  const State state = TRY(context.store.load(id));
  const auto cgroups = TRY(container::limits::CgroupSet::open(state.cgroups));
  const std::vector<pid_t> processes = TRY(cgroups.processes());
  if (format == "json") {
    Value pids = Value::array();
    for (const pid_t pid : processes) pids.push(pid);
    print_line(json::print(pids));
    return 0;
  }
  std::printf("%-8s %s\n", "PID", "CMD");
  for (const pid_t pid : processes) {
    std::string command = file::read_file(cat("/proc/", pid, "/cmdline")).ok()
                              ? file::read_file(cat("/proc/", pid, "/cmdline")).take()
                              : std::string();
    for (char& letter : command) letter = letter == '\0' ? ' ' : letter;
    std::printf("%-8d %s\n", pid, printable(command).c_str());
  }
  return 0;
}

Result<int> events_command(const Context& context, Arguments arguments) {
  bool once = false;
  int interval = 5;
  std::string text = "5s";
  TRY(take_options(arguments,
                   {switch_option("stats", 0, once), value_option("interval", 0, text)}));
  if (text.ends_with('s')) text.pop_back();
  Arguments number{"--interval", text};
  TRY(take_options(number, {number_option("interval", 0, interval)}));
  const std::string id = TRY(take_id(arguments));
  while (true) {
    const State state = TRY(context.store.load(id));
    const Status status = TRY(context.store.status(state));
    if (status == Status::stopped) {
      if (once) return fail(ErrorKind::busy, "container with id ", id, " is not running");
      return 0;
    }
    const auto cgroups = TRY(container::limits::CgroupSet::open(state.cgroups));
    const container::limits::Stats stats = TRY(container::limits::read_stats(cgroups));
    Value event;
    event.set("type", "stats");
    event.set("id", id);
    event.set("data", stats_json(stats));
    print_line(json::print(event));
    std::fflush(stdout);
    if (once) return 0;
    std::this_thread::sleep_for(std::chrono::seconds(interval));
  }
}

Result<int> spec_command(const Context& /*context*/, Arguments arguments) {
  std::string bundle = ".";
  bool rootless = false;
  TRY(take_options(arguments,
                   {value_option("bundle", 'b', bundle), switch_option("rootless", 0, rootless)}));
  const std::string path = cat(bundle, "/", StateStore::kConfig);
  if (file::exists(path)) {
    return fail(ErrorKind::already_exists, "File ", path, " exists. Remove it first");
  }
  const json::Value config = oci::runtime::default_config(
      rootless ? oci::runtime::Rootless::yes : oci::runtime::Rootless::no, ::geteuid(),
      ::getegid());
  TRY(file::replace_file(FdRef::cwd(), path, json::print_pretty(config) + "\n", 0644,
                         file::Durable::no));
  return 0;
}

Result<int> features_command(const Context& /*context*/, Arguments /*arguments*/) {
  Value capabilities = Value::array();
  for (int number = 0; number < oci::runtime::capability_count(); ++number) {
    capabilities.push(oci::runtime::capability_name(number));
  }
  Value cgroup;
  cgroup.set("v1", file::exists("/proc/cgroups"));
  cgroup.set("v2", true);
  cgroup.set("systemd", false);
  cgroup.set("systemdUser", false);
  cgroup.set("rdma", false);
  Value linux_part;
  linux_part.set("namespaces", TRY(namespaces_here()));
  linux_part.set("capabilities", std::move(capabilities));
  linux_part.set("cgroup", std::move(cgroup));
  linux_part.set("seccomp", enabled(file::exists("/proc/sys/kernel/seccomp")));
  linux_part.set("apparmor", enabled(kernel_names_lsm("apparmor")));
  linux_part.set("selinux", enabled(kernel_names_lsm("selinux")));
  linux_part.set("intelRdt", enabled(false));
  Value annotations;
  annotations.set("org.opencontainers.runc.checkpoint.enabled", "false");
  annotations.set("io.github.seccomp.libseccomp.version", container::seccomp::compiler_version());
  Value out;
  out.set("ociVersionMin", "1.0.0");
  out.set("ociVersionMax", oci::runtime::kRuntimeSpecVersion);
  out.set("hooks", std::vector<std::string>{"prestart", "createRuntime", "createContainer",
                                            "startContainer", "poststart", "poststop"});
  out.set("mountOptions", container::known_mount_options());
  out.set("linux", std::move(linux_part));
  out.set("annotations", std::move(annotations));
  print_line(json::print_pretty(out));
  return 0;
}

Result<int> unsupported_command(const Context& /*context*/, Arguments /*arguments*/) {
  return fail(ErrorKind::unsupported, "checkpoint and restore are not supported");
}

}  // namespace proa::oci_app
