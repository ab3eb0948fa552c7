#include <cstdint>

#include "container/limits/plan.h"
#include "container/plan/plan.h"
#include "kernel/cgroup/layout.h"

namespace {

using namespace proa;

// A host with one v1 hierarchy and a v2 tree.
cgroup::Layout layout() {
  constexpr const char* kMounts =
      "30 25 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
      "31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "32 25 0:28 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices\n";
  constexpr const char* kMembership = "2:memory:/\n1:devices:/\n0::/\n";
  auto parsed = cgroup::parse_layout(kMounts, kMembership);
  CHECK(parsed.ok());
  return parsed.take();
}

}  // namespace

// Whatever a config.json says, parsing and planning give an error or a plan whose parts hold what
// those who act on it rely on.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const cgroup::Layout host = layout();
  auto spec = oci::runtime::parse_spec({reinterpret_cast<const char*>(data), size});
  if (!spec.ok()) return 0;
  const oci::runtime::Spec copy = spec.value();
  const auto limits = container::limits::make_plan(
      host, copy.linux_part.resources, {.cgroups_path = copy.linux_part.cgroups_path, .id = "id"});
  if (limits.ok()) {
    for (const auto& placement : limits.value().placements) {
      CHECK(placement.path.starts_with('/'));
      CHECK(placement.path.find("/../") == std::string::npos && !placement.path.ends_with("/.."));
    }
  }
  const auto plan = container::make_plan(spec.take(), {.id = "id", .bundle = "/bundle"});
  if (!plan.ok()) return 0;
  CHECK(plan.value().root.empty() || plan.value().root.starts_with('/'));
  for (const auto& mount : plan.value().mounts) CHECK(mount.destination.starts_with('/'));
  return 0;
}
