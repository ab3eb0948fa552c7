// What one entry of `mounts` asks for, as flags of the mount API: pure, so that every option is
// tested without privilege.
//
// Spec: OCI runtime specification 1.3, config.md, "Mounts", and "Linux mount options"
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "kernel/mount/mount.h"
#include "kernel/namespace/namespace.h"
#include "oci/runtime/spec.h"

namespace proa::container {

enum class MountKind : std::uint8_t {
  bind,         // an existing file or directory
  file_system,  // a new instance of `type`
  cgroup,       // the container's view of the cgroup hierarchies
};

// Whose ids an idmapped mount shows.
enum class IdMap : std::uint8_t { none, container, own };

struct MountPlan {
  MountKind kind = MountKind::file_system;
  std::string destination;  // absolute, without ".", ".." and doubled slashes
  std::string source;       // of a bind: absolute
  std::string type;
  // Options of the file system itself; an empty value is a flag.
  std::vector<std::pair<std::string, std::string>> options;
  mount::Attributes attributes;            // of the mount alone, propagation left out
  mount::Attributes recursive_attributes;  // of all below it too
  std::uint64_t propagation = 0;           // MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE
  mount::Recursive propagation_depth = mount::Recursive::no;
  mount::Recursive depth = mount::Recursive::no;  // of a bind: with what is mounted below
  bool copy_up = false;                           // a tmpfs starts with what it hides
  bool source_is_link = false;                    // bind a symbolic link itself
  IdMap id_map = IdMap::none;
  mount::Recursive id_map_depth = mount::Recursive::no;
  std::vector<ns::IdRange> uids;  // with IdMap::own
  std::vector<ns::IdRange> gids;
};

// `bundle` is what a relative source of a bind is relative to.
//
// Errors: invalid_argument (names the option), unsupported
Result<MountPlan> plan_mount(const oci::runtime::Mount& mount, const std::string& bundle);

// "/a//b/./c/" -> "/a/b/c"; ".." goes up, but never above the root.
std::string clean_path(std::string_view path);

std::vector<ns::IdRange> ranges_of(const std::vector<oci::runtime::IdMapping>& mappings);

// The options that plan_mount understands as flags, for `features`.
std::vector<std::string> known_mount_options();

}  // namespace proa::container
