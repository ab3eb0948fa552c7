#include "apps/oci/state_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/number.h"
#include "base/text.h"
#include "container/limits/plan.h"
#include "container/plan/plan.h"
#include "kernel/cgroup/layout.h"
#include "kernel/file/file.h"
#include "kernel/file/lock_file.h"

namespace proa::oci_app {
namespace {

constexpr const char* kState = "state.json";

Error not_there(const std::string& id) {
  return fail(ErrorKind::not_found, "container '", printable(id), "' does not exist");
}

// Where a container's cgroups are, or would be.
Result<container::limits::Record> expected_cgroups(const oci::runtime::Spec& spec,
                                                   const std::string& id) {
  const cgroup::Layout layout = TRY(cgroup::discover());
  container::limits::Record record;
  for (const cgroup::Hierarchy& hierarchy : layout.hierarchies) {
    std::string path =
        TRY(container::limits::resolve_path(hierarchy, spec.linux_part.cgroups_path, id));
    record.push_back(
        {hierarchy.version, hierarchy.label(), hierarchy.mount_point, std::move(path)});
  }
  return record;
}

// Those of a container's cgroups that may freeze it.
container::limits::Record freezers_in(const container::limits::Record& record) {
  container::limits::Record freezers;
  for (const container::limits::Member& member : record) {
    const auto bound = split(member.label, ',');
    const bool is_freezer = std::ranges::find(bound, "freezer") != bound.end();
    if (member.version == cgroup::Version::v2 || is_freezer) freezers.push_back(member);
  }
  return freezers;
}

}  // namespace

std::string_view name(Status status) {
  switch (status) {
    case Status::creating:
      return "creating";
    case Status::created:
      return "created";
    case Status::running:
      return "running";
    case Status::paused:
      return "paused";
    case Status::stopped:
      return "stopped";
  }
  return "";
}

json::Value State::to_json() const {
  json::Value out;
  out.set("id", id);
  out.set("bundle", bundle);
  out.set("rootfs", rootfs);
  out.set("created", created);
  out.set("owner", owner);
  if (creating) out.set("creating", true);
  out.set("pid", pid);
  out.set("startTime", start_time);
  out.set("cgroups", container::limits::to_json(cgroups));
  if (late_hooks) out.set("lateHooks", true);
  return out;
}

Result<State> State::parse(std::string_view text, std::string_view name) {
  const json::Value document = TRY(json::parse(text, name));
  const json::Reader reader(document, name);
  const auto field = [&](const char* key) { return reader.at(key); };
  State state;
  const json::Reader id = TRY(field("id"));
  state.id = TRY(id.string());
  const json::Reader bundle = TRY(field("bundle"));
  state.bundle = TRY(bundle.string());
  const json::Reader rootfs = TRY(field("rootfs"));
  state.rootfs = TRY(rootfs.string());
  const json::Reader created = TRY(field("created"));
  state.created = TRY(created.string());
  const json::Reader owner = TRY(field("owner"));
  state.owner = TRY(owner.integer<uid_t>());
  state.creating = reader.find("creating").has_value();
  const json::Reader pid = TRY(field("pid"));
  state.pid = TRY(pid.integer<pid_t>());
  const json::Reader start_time = TRY(field("startTime"));
  state.start_time = TRY(start_time.integer<std::uint64_t>());
  const json::Reader cgroups = TRY(field("cgroups"));
  state.cgroups = TRY(container::limits::parse_record(cgroups));
  state.late_hooks = reader.find("lateHooks").has_value();
  return state;
}

// Spec: proc_pid_stat(5); the name in parentheses may hold anything
std::uint64_t start_time_of(pid_t pid) {
  const Result<std::string> text = file::read_file(cat("/proc/", pid, "/stat"));
  if (!text.ok()) return 0;
  const std::size_t end = text.value().rfind(')');
  if (end == std::string::npos || end + 2 >= text.value().size()) return 0;
  const auto fields = split(std::string_view(text.value()).substr(end + 2), ' ');
  constexpr std::size_t kStartTime = 19;  // field 22, counted from the third
  if (fields.size() <= kStartTime || fields[0] == "Z" || fields[0] == "X") return 0;
  return parse_number<std::uint64_t>(fields[kStartTime]).ok()
             ? parse_number<std::uint64_t>(fields[kStartTime]).value()
             : 0;
}

Result<StateStore> StateStore::open(const std::string& root) {
  TRY(file::make_directories(root, 0700), "the runtime's root");
  Fd directory = TRY(file::open(root, O_RDONLY | O_DIRECTORY));
  return StateStore(root, std::move(directory));
}

Result<Fd> StateStore::make(const std::string& id) const {
  TRY(container::check_id(id));
  const Result<void> made = file::make_directory(root_, id, 0700);
  if (!made.ok() && made.error().kind() == ErrorKind::already_exists) {
    return fail(ErrorKind::already_exists, "container with id exists: '", id, "'");
  }
  TRY(Result<void>(made));
  Fd opened = TRY(file::open_at(root_, id, O_RDONLY | O_DIRECTORY));
  // It is new: whoever holds it for a moment only looks whether it is locked.
  TRY(file::try_lock(opened));
  return opened;
}

Result<Fd> StateStore::directory(const std::string& id) const {
  TRY(container::check_id(id));
  Result<Fd> opened = file::open_at(root_, id, O_RDONLY | O_DIRECTORY);
  if (!opened.ok() && opened.error().kind() == ErrorKind::not_found) return not_there(id);
  return opened;
}

Result<State> StateStore::load(const std::string& id) const {
  State state = TRY(load_remains(id));
  if (state.pid == 0) {
    const Status now = TRY(status(state));
    if (now == Status::creating) return not_there(id);
  }
  return state;
}

Result<State> StateStore::load_remains(const std::string& id) const {
  const Fd opened = TRY(directory(id));
  const Result<std::string> text = file::read_file_at(opened, kState);
  if (text.ok()) return State::parse(text.value(), cat(path_, "/", id, "/", kState));
  if (text.error().kind() != ErrorKind::not_found) return text.error();
  // A create that was killed before its end. What it made lies where the configuration says:
  // enough for delete to take it away.
  State state;
  state.id = id;
  const Result<oci::runtime::Spec> read = spec(id);
  if (read.ok()) state.cgroups = TRY(expected_cgroups(read.value(), id));
  state.late_hooks = read.ok();
  return state;
}

Result<void> StateStore::save(FdRef directory, const State& state) const {
  return file::replace_file(directory, kState, json::print(state.to_json()), 0600,
                            file::Durable::no);
}

Result<oci::runtime::Spec> StateStore::spec(const std::string& id) const {
  const Fd opened = TRY(directory(id));
  const std::string text = TRY(file::read_file_at(opened, kConfig));
  return oci::runtime::parse_spec(text, cat(path_, "/", id, "/", kConfig));
}

Result<void> StateStore::remove(const std::string& id) const {
  return file::remove_tree(root_, id);
}

Result<std::vector<std::string>> StateStore::ids() const {
  std::vector<std::string> names = TRY(file::list(root_));
  std::erase_if(names, [](const std::string& entry) { return entry.starts_with('.'); });
  return names;
}

Result<Status> StateStore::status(const State& state) const {
  if (state.pid == 0 || state.creating) {
    const Fd making = TRY(directory(state.id));
    const bool is_being_made = TRY(file::is_locked(making));
    return is_being_made ? Status::creating : Status::stopped;
  }
  if (start_time_of(state.pid) != state.start_time || state.start_time == 0) {
    return Status::stopped;
  }
  const container::limits::CgroupSet cgroups =
      TRY(container::limits::CgroupSet::open(freezers_in(state.cgroups)));
  const Result<bool> frozen = cgroups.frozen();
  if (frozen.ok() && frozen.value()) return Status::paused;
  const Fd opened = TRY(directory(state.id));
  return file::stat_at(opened, kGate).ok() ? Status::created : Status::running;
}

}  // namespace proa::oci_app
