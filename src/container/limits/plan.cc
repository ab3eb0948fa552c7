#include "container/limits/plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
#include "container/limits/devices.h"
#include "container/limits/writes.h"

namespace proa::container::limits {
namespace {

using cgroup::Hierarchy;
using cgroup::Layout;
using cgroup::Version;
using oci::runtime::Resources;

// Writes sorted by the hierarchy that they go to.
class Planner {
 public:
  Planner(const Layout& layout, const Resources& resources, const Request& request)
      : layout_(layout), resources_(resources), request_(request) {}

  Result<Plan> run() {
    for (const Controller& controller : controllers()) TRY(plan_controller(controller));
    TRY(plan_devices());
    TRY(plan_unified());
    for (const Hierarchy& hierarchy : layout_.hierarchies) TRY(place(hierarchy));
    return std::move(plan_);
  }

 private:
  struct Share {
    std::vector<std::string> required;  // v2 controllers
    Writes writes;
  };

  const Hierarchy* find(std::string_view v1_name, std::string_view v2_name) const {
    for (const Hierarchy& hierarchy : layout_.hierarchies) {
      if (hierarchy.has(hierarchy.version == Version::v1 ? v1_name : v2_name)) return &hierarchy;
    }
    return nullptr;
  }

  Result<void> plan_controller(const Controller& controller) {
    const Hierarchy* hierarchy = find(controller.v1_name, controller.v2_name);
    const bool is_v1 = hierarchy == nullptr ? layout_.has_v1() : hierarchy->version == Version::v1;
    Writes writes = TRY((is_v1 ? controller.v1_writes : controller.v2_writes)(resources_));
    if (writes.empty()) return {};
    const std::string_view name = is_v1 ? controller.v1_name : controller.v2_name;
    // What a new cgroup is without anybody's doing needs no controller.
    const bool unlimited = writes.size() == 1 && writes[0].content == "max";
    if (hierarchy == nullptr && unlimited && request_.purpose == Purpose::create) return {};
    if (hierarchy == nullptr) return missing(writes[0].file, name);
    Share& share = shares_[hierarchy];
    if (!is_v1) share.required.emplace_back(name);
    std::ranges::move(writes, std::back_inserter(share.writes));
    return {};
  }

  static Error missing(std::string_view file, std::string_view controller) {
    return fail(ErrorKind::unsupported, "'", file, "' needs the cgroup controller '", controller,
                "', which this host does not have");
  }

  // v1's list where its hierarchy gets a directory anyway; else a program on the v2 cgroup, which
  // is there in any case and costs less than one more hierarchy.
  Result<void> plan_devices() {
    if (request_.devices == DeviceControl::skipped) return {};
    if (request_.purpose == Purpose::update && resources_.devices.empty()) return {};
    auto rules = effective_device_rules(resources_.devices);
    const Hierarchy* list = layout_.find("devices");
    const bool prefer_program = request_.hierarchies == Hierarchies::asked_for;
    if (layout_.unified() != nullptr && (list == nullptr || prefer_program)) {
      plan_.device_program = std::move(rules);
      return {};
    }
    if (list == nullptr) return missing("devices.allow", "devices");
    std::ranges::move(device_writes(rules), std::back_inserter(shares_[list].writes));
    return {};
  }

  Result<void> plan_unified() {
    if (resources_.unified.empty()) return {};
    const Hierarchy* unified = layout_.unified();
    if (unified == nullptr) {
      return fail(ErrorKind::unsupported, "'unified' needs cgroup v2, which is not mounted");
    }
    Share& share = shares_[unified];
    for (const auto& [file, content] : resources_.unified) {
      const std::string controller(split_once(file, '.').first);
      if (controller != "cgroup" && !unified->has(controller)) {
        if (layout_.find(controller) == nullptr) return missing(file, controller);
        return fail(ErrorKind::unsupported, "'", file, "' of 'unified' needs the controller '",
                    controller, "' on cgroup v2, but this host has it on v1");
      }
      if (controller != "cgroup") share.required.push_back(controller);
      // The kernel takes one line at a time of files that have a line a device.
      for (const std::string_view line : split(content, '\n')) {
        if (!line.empty()) share.writes.push_back({file, std::string(line)});
      }
    }
    return {};
  }

  bool is_wanted(const Hierarchy& hierarchy) const {
    if (shares_.contains(&hierarchy)) return true;
    if (request_.purpose == Purpose::update) return false;
    if (hierarchy.version == Version::v2 || request_.hierarchies == Hierarchies::all) return true;
    const bool freezes = hierarchy.has("freezer") && layout_.unified() == nullptr;
    return hierarchy.has("memory") || hierarchy.has("cpuacct") || freezes;
  }

  Result<void> place(const Hierarchy& hierarchy) {
    const bool has_program = hierarchy.version == Version::v2 && plan_.device_program.has_value();
    if (!is_wanted(hierarchy) && !has_program) return {};
    Share& share = shares_[&hierarchy];
    Placement placement{.version = hierarchy.version,
                        .label = hierarchy.label(),
                        .mount_point = hierarchy.mount_point};
    placement.path = TRY(resolve_path(hierarchy, request_.cgroups_path, request_.id));
    placement.required = std::move(share.required);
    std::ranges::sort(placement.required);
    const auto repeated = std::ranges::unique(placement.required);
    placement.required.erase(repeated.begin(), repeated.end());
    if (hierarchy.version == Version::v2 && request_.purpose == Purpose::create) {
      placement.wanted = wanted_controllers(hierarchy);
    }
    placement.writes = std::move(share.writes);
    placement.may_be_skipped =
        request_.denied == Denied::skipped && placement.writes.empty() && !has_program;
    plan_.placements.push_back(std::move(placement));
    return {};
  }

  // For statistics and for later updates.
  static std::vector<std::string> wanted_controllers(const Hierarchy& unified) {
    std::vector<std::string> wanted;
    for (const char* controller : {"cpu", "cpuset", "io", "memory", "pids", "hugetlb"}) {
      if (unified.has(controller)) wanted.emplace_back(controller);
    }
    return wanted;
  }

  const Layout& layout_;
  const Resources& resources_;
  const Request& request_;
  std::map<const Hierarchy*, Share> shares_;
  Plan plan_;
};

}  // namespace

Result<Plan> make_plan(const Layout& layout, const Resources& resources, const Request& request) {
  return Planner(layout, resources, request).run();
}

}  // namespace proa::container::limits
