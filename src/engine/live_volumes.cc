#include <algorithm>

#include "base/id.h"
#include "base/time.h"
#include "engine/live_engine.h"
#include "engine/names.h"
#include "kernel/file/file.h"
#include "kernel/file/tree_size.h"

namespace proa::engine {

LiveVolumes::LiveVolumes(StateDb& state, std::string directory, Events& events, UsersOf users_of)
    : state_(state),
      directory_(std::move(directory)),
      events_(events),
      users_of_(std::move(users_of)) {}

Result<void> LiveVolumes::load() {
  for (Volume& volume : TRY(state_.volumes())) known_[volume.name] = std::move(volume);
  return {};
}

Result<Volume> LiveVolumes::create(Volume volume) {
  if (volume.name.empty()) {
    volume.name = random_hex(64);
    volume.anonymous = true;
  } else if (!check_name(volume.name).ok()) {
    return fail(ErrorKind::invalid_argument, "\"", printable(volume.name, 80),
                "\" includes invalid characters for a local volume name, only "
                "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host "
                "directory, use absolute path");
  }
  const std::lock_guard lock(mutex_);
  if (const auto known = known_.find(volume.name); known != known_.end()) return known->second;
  volume.path = cat(directory_, "/", volume.name, "/_data");
  volume.created = now().time_since_epoch().count();
  TRY(state_.put(volume));
  TRY(file::make_directories(volume.path, 0755), "making volume '", volume.name, "'");
  known_[volume.name] = volume;
  events_.publish({"volume", "create", volume.name, {{"driver", "local"}}, 0});
  return volume;
}

Result<Volume> LiveVolumes::inspect(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(name);
  if (found == known_.end()) return fail(ErrorKind::not_found, "get ", name, ": no such volume");
  return found->second;
}

Result<std::vector<Volume>> LiveVolumes::list() {
  std::vector<Volume> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, volume] : known_) all.push_back(volume);
  return all;
}

Result<void> LiveVolumes::remove(const std::string& name, bool force) {
  const Result<Volume> volume = inspect(name);
  if (!volume.ok()) {
    if (force) return {};
    return std::move(volume).error();
  }
  const std::vector<std::string> ids = users_of_(name);
  if (!ids.empty()) {
    return fail(ErrorKind::busy, "remove ", name, ": volume is in use - [", join(ids, ", "), "]");
  }
  {
    const std::lock_guard lock(mutex_);
    TRY(state_.erase_volume(name));
    known_.erase(name);
  }
  TRY(file::remove_tree(FdRef::cwd(), cat(directory_, "/", name)));
  events_.publish({"volume", "destroy", name, {{"driver", "local"}}, 0});
  return {};
}

Result<std::vector<std::string>> LiveVolumes::users(const std::string& name) {
  return users_of_(name);
}

Result<std::uint64_t> LiveVolumes::size(const std::string& name) {
  const Volume volume = TRY(inspect(name));
  return file::tree_size(volume.path);
}

Result<std::pair<std::vector<std::string>, std::uint64_t>> LiveVolumes::prune(
    bool all, const std::map<std::string, std::vector<std::string>>& filters) {
  std::pair<std::vector<std::string>, std::uint64_t> pruned;
  for (const Volume& volume : TRY(list())) {
    if (!all && !volume.anonymous) continue;
    if (const auto labels = filters.find("label"); labels != filters.end()) {
      const bool matches = std::ranges::all_of(labels->second, [&](const std::string& wanted) {
        const auto [key, value] = split_once(wanted, '=');
        const auto found = volume.labels.find(std::string(key));
        return found != volume.labels.end() && (value.empty() || found->second == value);
      });
      if (!matches) continue;
    }
    const Result<std::uint64_t> bytes = size(volume.name);
    if (!remove(volume.name, false).ok()) continue;  // in use
    pruned.first.push_back(volume.name);
    pruned.second += bytes.ok() ? bytes.value() : 0;
  }
  return pruned;
}

}  // namespace proa::engine
