// What a container's cgroups are to be, decided before anything is touched: which hierarchies
// get a directory, which files are written there with what, which devices are allowed. Pure;
// cgroup_set.h carries it out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/cgroup/layout.h"
#include "oci/runtime/resources.h"

namespace proa::container::limits {

// Which v1 hierarchies get a directory for the container.
enum class Hierarchies : std::uint8_t {
  all,        // every one that is mounted, as runc and crun do
  asked_for,  // memory and cpuacct for statistics; others where a limit needs them
};

// Whether the container's devices are restricted. They need not be where its processes cannot
// make device nodes anyway (a user namespace of its own), and cannot be without privilege.
enum class DeviceControl : std::uint8_t { enforced, skipped };

// What becomes of a hierarchy in which this process may not make directories.
enum class Denied : std::uint8_t {
  fails,
  skipped,  // left out where no limit is asked for in it (rootless)
};

enum class Purpose : std::uint8_t { create, update };

struct Request {
  // `linux.cgroupsPath`: absolute counts from the mount point, relative from this process's own
  // cgroup in each hierarchy, empty stands for "/<id>".
  std::string cgroups_path;
  std::string id;
  Hierarchies hierarchies = Hierarchies::all;
  DeviceControl devices = DeviceControl::enforced;
  Denied denied = Denied::fails;
  Purpose purpose = Purpose::create;
};

// What a file's absence (ENOENT) or refusal as unsupported (ENOTSUP) means.
enum class IfAbsent : std::uint8_t { fails, ignored, warned };

// One write(2) to a file of the cgroup.
struct Write {
  std::string file;
  std::string content;
  IfAbsent if_absent = IfAbsent::fails;
  // Written instead where the kernel has no `file`; none if empty.
  std::string other_file = {};
  std::string other_content = {};
  bool operator==(const Write&) const = default;
};

// The container's cgroup in one hierarchy.
struct Placement {
  cgroup::Version version = cgroup::Version::v1;
  std::string label;        // cgroup::Hierarchy::label()
  std::string mount_point;  // "/sys/fs/cgroup/memory"
  std::string path;         // "/proa/web", below the mount point
  // v2: controllers to switch on in the cgroups above; those asked for must be there, the others
  // are for statistics and are tried.
  std::vector<std::string> required;
  std::vector<std::string> wanted;
  std::vector<Write> writes;
  bool may_be_skipped = false;
};

struct Plan {
  std::vector<Placement> placements;
  // Rules for a device program on the v2 cgroup; absent where devices are not restricted or
  // restricted by v1's list.
  std::optional<std::vector<oci::runtime::DeviceRule>> device_program;
};

// Decides. For an update only what `resources` names is planned.
//
// Errors: invalid_argument (limits that contradict each other, a path with ".."), unsupported
//         (names the file and the controller that this host lacks for it)
Result<Plan> make_plan(const cgroup::Layout& layout, const oci::runtime::Resources& resources,
                       const Request& request);

// `cgroups_path` in one hierarchy, as a path below its mount point.
//
// Errors: invalid_argument ("..", or the hierarchy's root itself)
Result<std::string> resolve_path(const cgroup::Hierarchy& hierarchy, std::string_view cgroups_path,
                                 std::string_view id);

}  // namespace proa::container::limits
