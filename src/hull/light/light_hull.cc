#include "hull/light/light_hull.h"

#include <unistd.h>

#include "base/text.h"
#include "container/init/launcher.h"
#include "container/limits/cgroup_set.h"
#include "container/limits/plan.h"
#include "hull/light/bundle.h"
#include "hull/light/container_hull.h"
#include "hull/light/layered_root.h"
#include "kernel/cgroup/layout.h"
#include "kernel/file/file.h"

namespace proa::hull {
namespace {

constexpr std::chrono::seconds kReclaimLimit{10};

// RUN, which the pinned namespace of the layers lies in.
std::string run_directory(const wire::Spec& spec) {
  return spec.mounts.substr(0, spec.mounts.rfind('/'));
}

}  // namespace

Result<std::unique_ptr<Hull>> make_light_hull(io::Loop& loop, const wire::Spec& spec,
                                              Observer& observer, LightPlace place) {
  oci::runtime::Spec configuration = TRY(read_configuration(spec));
  return std::unique_ptr<Hull>(std::make_unique<ContainerHull>(
      loop, spec, observer, std::move(place), std::move(configuration)));
}

Result<std::unique_ptr<Hull>> make_light_hull(io::Loop& loop, const wire::Spec& spec,
                                              Observer& observer) {
  LightPlace place{.root = std::make_unique<LayeredRoot>(spec),
                   .filter_cache = run_directory(spec) + "/seccomp",
                   .init_program = spec.programs + "/proa-init"};
  return make_light_hull(loop, spec, observer, std::move(place));
}

Result<void> protect_own_program() {
  if (container::own_program_is_protected()) return {};
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return container::restart_protected(environment);
}

Result<Fd> protected_program(const std::string& path) { return container::protected_program(path); }

void remove_empty_parent(const std::string& cgroup) {
  const Result<cgroup::Layout> layout = cgroup::discover();
  if (!layout.ok()) return;
  const auto plan =
      container::limits::make_plan(layout.value(), {}, {.cgroups_path = cgroup, .id = "parent"});
  if (!plan.ok()) return;
  for (const container::limits::Placement& placement : plan.value().placements) {
    discard(file::remove_directory_at(FdRef::cwd(), placement.mount_point + placement.path),
            "it is not there, or has workloads in it");
  }
}

Result<void> reclaim(const wire::Spec& spec) {
  using namespace container::limits;
  const cgroup::Layout layout = TRY(cgroup::discover());
  // Every hierarchy: which of them the limits asked for is not looked at.
  const container::limits::Plan plan =
      TRY(make_plan(layout, {}, {.cgroups_path = spec.cgroup, .id = spec.id}));
  Record record;
  for (const Placement& placement : plan.placements) {
    record.push_back({placement.version, placement.label, placement.mount_point, placement.path});
  }
  CgroupSet cgroups = TRY(CgroupSet::open(record));
  const auto deadline = std::chrono::steady_clock::now() + kReclaimLimit;
  discard(cgroups.thaw(deadline), "killing says what is wrong with the cgroups");
  TRY(cgroups.kill());
  TRY(cgroups.remove(deadline));
  return LayeredRoot(spec).release();
}

}  // namespace proa::hull
