// What looks at many workloads at once: lists with filters, prune, disk use.
#include <algorithm>

#include "base/number.h"
#include "base/time.h"
#include "engine/live_engine.h"
#include "kernel/file/file.h"
#include "kernel/file/tree_size.h"

namespace proa::engine {
namespace {

bool has_label(const std::map<std::string, std::string>& labels, const std::string& wanted) {
  const auto [key, value] = split_once(wanted, '=');
  const auto found = labels.find(std::string(key));
  if (found == labels.end()) return false;
  return wanted.find('=') == std::string::npos || found->second == value;
}

bool matches_one(const Workload& workload, const std::string& key, const std::string& value) {
  const State& state = workload.state;
  if (key == "id") return workload.id.starts_with(value);
  if (key == "name") {
    const std::string name = value.starts_with('/') ? value.substr(1) : value;
    return workload.name.find(name) != std::string::npos;
  }
  if (key == "label") return has_label(workload.config.labels, value);
  if (key == "status") return name(state.phase) == value;
  if (key == "ancestor") {
    return workload.config.image == value || workload.config.image == value + ":latest" ||
           workload.image_id.starts_with(value) || workload.image_id.starts_with("sha256:" + value);
  }
  if (key == "exited") {
    return state.phase == Phase::exited && cat(state.ending.shell_code()) == value;
  }
  if (key == "health") {
    constexpr std::array kNames = {"none", "starting", "healthy", "unhealthy"};
    return kNames[static_cast<std::size_t>(state.health)] == value;
  }
  if (key == "volume") {
    return std::ranges::any_of(workload.mounts, [&](const MountPoint& point) {
      return point.mount.source == value || point.mount.destination == value;
    });
  }
  if (key == "runtime") {
    return value == (workload.config.hull == wire::HullKind::vm ? "vm" : "container");
  }
  return true;
}

}  // namespace

std::string_view name(Phase phase) {
  constexpr std::array<std::string_view, 7> kNames = {"created",  "running", "paused", "restarting",
                                                      "removing", "exited",  "dead"};
  return kNames[static_cast<std::size_t>(phase)];
}

Result<std::vector<Workload>> LiveEngine::list(const Filters& filters) {
  std::optional<std::int64_t> before, since;
  for (const auto& [key, values] : filters) {
    if (key != "before" && key != "since") continue;
    for (const std::string& value : values) {
      const EntryPtr other = TRY(find(value));
      (key == "before" ? before : since) = other->data.created;
    }
  }
  std::vector<Workload> found;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : entries_) {
      const Workload& workload = entry->data;
      const bool matches = std::ranges::all_of(filters, [&](const auto& filter) {
        const auto& [key, values] = filter;
        const auto match = [&](const std::string& value) {
          return matches_one(workload, key, value);
        };
        // Every label has to be there; of any other key one value is enough.
        return key == "label" ? std::ranges::all_of(values, match)
                              : values.empty() || std::ranges::any_of(values, match);
      });
      if (!matches || (before && workload.created >= *before) ||
          (since && workload.created <= *since)) {
        continue;
      }
      found.push_back(workload);
    }
  }
  std::ranges::sort(found, std::greater(), &Workload::created);
  return found;
}

Result<Pruned> LiveEngine::prune(const Filters& filters) {
  Filters wanted = filters;
  std::optional<std::int64_t> until;
  if (const auto limit = wanted.extract("until"); !limit.empty()) {
    for (const std::string& text : limit.mapped()) {
      const Result<std::int64_t> seconds = parse_number<std::int64_t>(text);
      if (seconds.ok()) {
        until = seconds.value() * 1'000'000'000;
      } else {
        until = TRY(parse_rfc3339(text)).time_since_epoch().count();
      }
    }
  }
  Pruned pruned;
  for (const Workload& workload : TRY(list(wanted))) {
    const Phase phase = workload.state.phase;
    if (phase != Phase::created && phase != Phase::exited && phase != Phase::dead) continue;
    if (until && workload.created >= *until) continue;
    const Result<std::uint64_t> size = writable_size(workload.id);
    if (!remove(workload.id, {}).ok()) continue;  // started meanwhile
    pruned.removed.push_back(workload.id);
    pruned.reclaimed_bytes += size.ok() ? size.value() : 0;
  }
  return pruned;
}

Result<std::vector<DiskUse>> LiveEngine::disk_use() {
  std::vector<DiskUse> uses;
  for (const Workload& workload : TRY(list({}))) {
    const Result<std::uint64_t> size = writable_size(workload.id);
    if (size.ok()) uses.push_back({workload.id, size.value()});
  }
  return uses;
}

Result<std::uint64_t> LiveEngine::writable_size(const std::string& ref) {
  const EntryPtr entry = TRY(find(ref));
  return file::tree_size(directory_of(entry->data.id) + "/upper");
}

}  // namespace proa::engine
