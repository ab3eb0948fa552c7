#include "container/limits/cgroup_set.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "base/text.h"
#include "container/limits/apply.h"
#include "container/limits/devices.h"
#include "kernel/cgroup/device_program.h"
#include "kernel/file/file.h"

namespace proa::container::limits {
namespace {

using cgroup::Cgroup;
using cgroup::Deadline;
using cgroup::Version;

// Joining moves what is there until a look finds nobody new; what forks meanwhile is born inside.
constexpr int kMostJoinRounds = 100;

std::vector<std::string> controllers_of(const Cgroup& cgroup) {
  std::vector<std::string> names;
  const Result<std::string> text = cgroup.read("cgroup.controllers");
  if (!text.ok()) return names;
  for (const std::string_view name : split(trim(text.value()), ' ')) names.emplace_back(name);
  return names;
}

}  // namespace

CgroupSet::CgroupSet(CgroupSet&& other) noexcept
    : entries_(std::exchange(other.entries_, {})), made_(std::exchange(other.made_, {})) {}

CgroupSet& CgroupSet::operator=(CgroupSet&& other) noexcept {
  if (this != &other) {
    remove_made();
    entries_ = std::exchange(other.entries_, {});
    made_ = std::exchange(other.made_, {});
  }
  return *this;
}

Result<CgroupSet> CgroupSet::create(const Plan& plan, std::vector<std::string>& warnings) {
  CgroupSet set;
  for (const Placement& placement : plan.placements) {
    Result<void> placed = set.place(placement);
    const bool denied = !placed.ok() && (placed.error().kind() == ErrorKind::permission ||
                                         placed.error().errno_code() == EROFS);
    if (denied && placement.may_be_skipped) continue;
    TRY(std::move(placed));
    TRY(write_all(set.entries_.back().cgroup, placement.writes, warnings));
  }
  TRY(set.attach_devices(plan));
  return set;
}

Result<CgroupSet> CgroupSet::open(const Record& record) {
  CgroupSet set;
  for (const Member& member : record) {
    Result<Cgroup> cgroup = Cgroup::open(member.version, member.directory());
    if (!cgroup.ok() && cgroup.error().kind() == ErrorKind::not_found) continue;
    if (!cgroup.ok()) return std::move(cgroup).error();
    set.entries_.push_back({member, cgroup.take()});
  }
  return set;
}

// Makes the directory and what is missing above it, and opens it.
Result<void> CgroupSet::place(const Placement& placement) {
  TRY(make_parents(placement, made_));
  const std::string directory = placement.mount_point + placement.path;
  Result<Cgroup> cgroup = Cgroup::create(placement.version, directory);
  if (cgroup.ok()) {
    made_.push_back(directory);
  } else {
    if (cgroup.error().kind() != ErrorKind::already_exists) return std::move(cgroup).error();
    cgroup = Cgroup::open(placement.version, directory);
    if (!cgroup.ok()) return std::move(cgroup).error();
    const std::vector<pid_t> inside = TRY(cgroup.value().processes());
    if (!inside.empty()) {
      return fail(ErrorKind::busy, "cgroup '", directory, "' is there and has processes");
    }
  }
  TRY(inherit_cpuset(cgroup.value(), placement));
  entries_.push_back({.member = {.version = placement.version,
                                 .label = placement.label,
                                 .mount_point = placement.mount_point,
                                 .path = placement.path},
                      .cgroup = cgroup.take()});
  return {};
}

Result<void> CgroupSet::attach_devices(const Plan& plan) {
  if (!plan.device_program) return {};
  const std::optional<FdRef> leaf = unified();
  if (!leaf) return fail(ErrorKind::unsupported, "restricting devices: no cgroup v2 was made");
  const std::vector<bpf_insn> text = device_program(*plan.device_program);
  const Fd program = TRY(cgroup::load_device_program(text), "restricting devices");
  return cgroup::attach_device_program(*leaf, program);
}

Result<void> CgroupSet::update(const Plan& plan, std::vector<std::string>& warnings) {
  for (const Placement& placement : plan.placements) {
    const auto known = std::ranges::find_if(entries_, [&](const Entry& entry) {
      return entry.member.mount_point == placement.mount_point;
    });
    if (known != entries_.end()) {
      TRY(switch_on(placement));
      TRY(write_all(known->cgroup, placement.writes, warnings));
      continue;
    }
    TRY(place(placement));
    TRY(write_all(entries_.back().cgroup, placement.writes, warnings));
    TRY(join(entries_.back().cgroup));
  }
  TRY(attach_devices(plan));
  // What is new belongs to the container now.
  keep();
  return {};
}

Result<void> CgroupSet::join(const Cgroup& cgroup) const {
  std::set<pid_t> moved;
  for (int round = 0; round < kMostJoinRounds; ++round) {
    const std::vector<pid_t> now = TRY(processes());
    bool any = false;
    for (const pid_t pid : now) {
      if (!moved.insert(pid).second) continue;
      const Result<void> added = cgroup.add(pid);
      // One that has ended meanwhile need not be moved.
      if (!added.ok() && added.error().errno_code() != ESRCH) return added;
      any = true;
    }
    if (!any) return {};
  }
  return fail(ErrorKind::busy, "cgroup '", cgroup.directory(), "': new processes all the time");
}

Record CgroupSet::record() const {
  Record record;
  for (const Entry& entry : entries_) record.push_back(entry.member);
  return record;
}

const Cgroup* CgroupSet::unified_cgroup() const {
  const auto found = std::ranges::find_if(
      entries_, [](const Entry& entry) { return entry.member.version == Version::v2; });
  return found == entries_.end() ? nullptr : &found->cgroup;
}

std::optional<FdRef> CgroupSet::unified() const {
  const Cgroup* cgroup = unified_cgroup();
  if (cgroup == nullptr) return std::nullopt;
  return cgroup->fd();
}

const Cgroup* CgroupSet::find(std::string_view controller) const {
  for (const Entry& entry : entries_) {
    if (entry.member.version == Version::v2) {
      const std::vector<std::string> switched_on = controllers_of(entry.cgroup);
      if (std::ranges::find(switched_on, controller) != switched_on.end()) return &entry.cgroup;
      continue;
    }
    const auto bound = split(entry.member.label, ',');
    if (std::ranges::find(bound, controller) != bound.end()) return &entry.cgroup;
  }
  return nullptr;
}

Result<void> CgroupSet::add(pid_t pid, Joined already) const {
  for (const Entry& entry : entries_) {
    if (already == Joined::unified && entry.member.version == Version::v2) continue;
    TRY(entry.cgroup.add(pid));
  }
  return {};
}

Result<std::vector<Fd>> CgroupSet::entrances() const {
  std::vector<Fd> files;
  for (const Entry& entry : entries_) {
    if (entry.member.version == Version::v2) continue;
    Fd file = TRY(file::open_at(entry.cgroup.fd(), "tasks", O_WRONLY));
    files.push_back(std::move(file));
  }
  return files;
}

Result<std::vector<pid_t>> CgroupSet::processes() const {
  // Every process is in every hierarchy: one of them tells all.
  const Cgroup* unified = unified_cgroup();
  if (unified != nullptr) return unified->processes();
  if (entries_.empty()) return std::vector<pid_t>();
  return entries_.front().cgroup.processes();
}

// v2's freezer is complete without a controller; v1's needs its hierarchy.
Result<const Cgroup*> CgroupSet::freezer() const {
  const Cgroup* unified = unified_cgroup();
  if (unified != nullptr && unified->has_file("cgroup.freeze")) return unified;
  const Cgroup* v1 = find("freezer");
  if (v1 != nullptr) return v1;
  return fail(ErrorKind::unsupported, "the container has neither cgroup v2 nor the v1 freezer");
}

Result<void> CgroupSet::freeze(Deadline deadline) const {
  const Cgroup* cgroup = TRY(freezer());
  Result<void> frozen = cgroup->freeze(deadline);
  if (!frozen.ok()) discard(cgroup->thaw(deadline), "the first error is the one to report");
  return frozen;
}

Result<void> CgroupSet::thaw(Deadline deadline) const {
  const Cgroup* cgroup = TRY(freezer());
  return cgroup->thaw(deadline);
}

Result<bool> CgroupSet::frozen() const {
  const Result<const Cgroup*> cgroup = freezer();
  if (!cgroup.ok()) return false;
  return cgroup.value()->frozen();
}

Result<void> CgroupSet::kill() const {
  if (entries_.empty()) return {};
  const Cgroup* unified = unified_cgroup();
  const Cgroup& cgroup = unified != nullptr ? *unified : entries_.front().cgroup;
  TRY(cgroup.kill());
  // On a v1 freezer the signals wait until the processes run again; v2 lets killed ones die.
  const Cgroup* v1_freezer = find("freezer");
  if (v1_freezer == nullptr || v1_freezer->version() == Version::v2) return {};
  return v1_freezer->thaw(std::chrono::steady_clock::now() + std::chrono::seconds(10));
}

Result<void> CgroupSet::remove(Deadline deadline) {
  for (const Entry& entry : entries_) TRY(entry.cgroup.remove(deadline));
  entries_.clear();
  made_.clear();
  return {};
}

void CgroupSet::remove_made() {
  while (!made_.empty()) {
    // A directory that others have come to use in the meantime stays.
    ::rmdir(made_.back().c_str());
    made_.pop_back();
  }
}

}  // namespace proa::container::limits
