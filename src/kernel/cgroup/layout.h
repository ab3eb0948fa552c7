// Where the cgroup hierarchies of this machine are mounted and where this process is in them:
// cgroup v1, v2, and the hybrid of both that some hosts have. Read at run time; no path is assumed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proa::cgroup {

enum class Version : std::uint8_t { v1, v2 };

// One mounted hierarchy.
struct Hierarchy {
  Version version = Version::v1;
  // v1: the controllers bound to it together, or one "name=..." of a hierarchy without any.
  // v2: what the mount's root offers.
  std::vector<std::string> controllers;
  std::string mount_point;
  // This process's cgroup as a path below the mount point; "/" is what lies on the mount point.
  std::string own = "/";

  bool has(std::string_view controller) const;
  // "memory", "cpu,cpuacct", "name=systemd", "" for v2: what tells hierarchies apart.
  std::string label() const;
  // The data that mount(2) of type "cgroup" takes to mount this hierarchy; empty for v2.
  std::string mount_options() const;
};

// Thread: a value.
struct Layout {
  std::vector<Hierarchy> hierarchies;

  // The hierarchy that the controller is bound to, or nullptr.
  const Hierarchy* find(std::string_view controller) const;
  // The v2 hierarchy, with or without controllers, or nullptr.
  const Hierarchy* unified() const;
  // Whether controllers live in v1 hierarchies.
  bool has_v1() const;
};

// Reads what the kernel says; of a hierarchy mounted several times the first mount counts. The
// controllers of v2 are not part of these texts and stay empty.
//
// Spec:   proc_pid_mountinfo(5), cgroups(7) "/proc/[pid]/cgroup"
// Errors: corrupt
Result<Layout> parse_layout(std::string_view mountinfo, std::string_view own_cgroups);

// Errors: unsupported (no cgroup hierarchy is mounted)
Result<Layout> discover();

}  // namespace proa::cgroup
