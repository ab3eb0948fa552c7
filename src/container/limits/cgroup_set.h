// A container's cgroups, one in each hierarchy that its plan names: made, joined, frozen, killed
// and removed together.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/json.h"
#include "base/result.h"
#include "container/limits/plan.h"
#include "kernel/cgroup/cgroup.h"

namespace proa::container::limits {

// Where one cgroup of the set is.
struct Member {
  cgroup::Version version = cgroup::Version::v1;
  std::string label;
  std::string mount_point;
  std::string path;
  std::string directory() const { return mount_point + path; }
  bool operator==(const Member&) const = default;
};

// What a container's state keeps of its cgroups.
using Record = std::vector<Member>;
json::Value to_json(const Record& record);
// Errors: invalid_argument (names the field)
Result<Record> parse_record(const json::Reader& reader);

// Owner: removes the cgroups that create() made, unless keep() was called. open() owns nothing.
// Thread: one at a time.
class CgroupSet {
 public:
  // Makes the directories and writes the limits; what was made is removed again on a failure.
  // Limits that the kernel does not have and that may be left out are named in `warnings`.
  //
  // Errors: busy (the cgroup is there and has processes), permission, unsupported (names the file)
  static Result<CgroupSet> create(const Plan& plan, std::vector<std::string>& warnings);
  // Opens what is still there of a recorded set.
  static Result<CgroupSet> open(const Record& record);
  CgroupSet(CgroupSet&& other) noexcept;
  CgroupSet& operator=(CgroupSet&& other) noexcept;
  CgroupSet(const CgroupSet&) = delete;
  CgroupSet& operator=(const CgroupSet&) = delete;
  ~CgroupSet() { remove_made(); }

  // Leaves the cgroups to whoever has the record.
  void keep() { made_.clear(); }
  Record record() const;
  // The v2 cgroup, for clone3 with CLONE_INTO_CGROUP: such a child needs add() for v1 only.
  std::optional<FdRef> unified() const;
  // The same, or nullptr.
  const cgroup::Cgroup* unified_cgroup() const;
  // The cgroup that the controller is bound to, or nullptr: of v2 only where it is switched on.
  const cgroup::Cgroup* find(std::string_view controller) const;
  bool empty() const { return entries_.empty(); }

  // Changes limits of a running container. Hierarchies new to it are made and joined.
  Result<void> update(const Plan& plan, std::vector<std::string>& warnings);

  enum class Joined : bool { nowhere, unified };
  // Moves a process into every cgroup, or into those of v1 only where it was born into v2's.
  Result<void> add(pid_t pid, Joined already = Joined::nowhere) const;
  // Files of the v1 cgroups by which a process of one thread moves itself in: it writes "0". The
  // kernel then takes no lock over all threads, which add() waits milliseconds for.
  Result<std::vector<Fd>> entrances() const;
  // Every process in the cgroups and below.
  Result<std::vector<pid_t>> processes() const;

  // Errors: unsupported (neither v2 nor a v1 freezer), timeout
  Result<void> freeze(cgroup::Deadline deadline) const;
  Result<void> thaw(cgroup::Deadline deadline) const;
  Result<bool> frozen() const;
  // Kills every process; frozen ones too.
  Result<void> kill() const;
  // Removes every cgroup, waiting for processes that are still ending. What is gone is no error.
  Result<void> remove(cgroup::Deadline deadline);

 private:
  struct Entry {
    Member member;
    cgroup::Cgroup cgroup;
  };

  CgroupSet() = default;
  Result<void> place(const Placement& placement);
  Result<void> join(const cgroup::Cgroup& cgroup) const;
  Result<void> attach_devices(const Plan& plan);
  Result<const cgroup::Cgroup*> freezer() const;
  void remove_made();

  std::vector<Entry> entries_;
  std::vector<std::string> made_;  // directories, parents before children
};

}  // namespace proa::container::limits
