#include "compose/plan/plan.h"

#include <algorithm>
#include <functional>
#include <set>

#include "compose/plan/labels.h"

namespace proa::compose {
namespace {

bool out_of_date(const Project& project, const Service& service, const Present& container,
                 const Wish& wish) {
  switch (wish.recreate) {
    case Recreate::always:
      return true;
    case Recreate::never:
      return false;
    case Recreate::changed:
      break;
  }
  if (container.config_hash != config_hash(service)) return true;
  const auto image = wish.image_ids.find(service.name);
  return image != wish.image_ids.end() && !image->second.empty() &&
         container.image_id != image->second && !image_name(project, service).empty();
}

Result<ServicePlan> plan_service(const Project& project, const Service& service,
                                 const std::vector<Present>& present, const Wish& wish) {
  const auto asked = wish.scale.find(service.name);
  const unsigned count = asked == wish.scale.end() ? replicas(service) : asked->second;
  if (count > 1 && !service.container_name.empty()) {
    return fail(ErrorKind::invalid_argument, "services.", service.name, ": ", count,
                " replicas cannot share the container_name '", service.container_name, "'");
  }
  std::vector<Present> ours;
  std::ranges::copy_if(present, std::back_inserter(ours), [&](const Present& container) {
    return container.service == service.name && !container.one_off;
  });
  std::ranges::sort(ours, {}, &Present::number);

  ServicePlan plan{service.name, {}};
  std::set<unsigned> numbers;
  // The highest numbers go first where there are too many.
  for (std::size_t at = 0; at < ours.size(); ++at) {
    const Present& container = ours[at];
    Step step{Action::keep, container.number, container.name, container};
    if (at >= count) {
      step.action = Action::remove;
    } else {
      numbers.insert(container.number);
      if (out_of_date(project, service, container, wish)) {
        step.action = Action::recreate;
        step.name = container_name(project, service, container.number);
      } else if (!container.running()) {
        step.action = Action::start;
      }
    }
    plan.steps.push_back(std::move(step));
  }
  for (unsigned number = 1; numbers.size() < count; ++number) {
    if (!numbers.insert(number).second) continue;
    plan.steps.push_back({Action::create, number, container_name(project, service, number), {}});
  }
  return plan;
}

}  // namespace

std::vector<std::string> in_order(const Project& project) {
  std::vector<std::string> order;
  std::set<std::string> seen;
  const std::function<void(const std::string&)> visit = [&](const std::string& name) {
    const auto service = project.services.find(name);
    if (service == project.services.end() || !seen.insert(name).second) return;
    for (const auto& [dependency, how] : service->second.depends_on) visit(dependency);
    order.push_back(name);
  };
  for (const auto& [name, service] : project.services) visit(name);
  return order;
}

Result<std::vector<ServicePlan>> plan_up(const Project& project,
                                         const std::vector<Present>& present, const Wish& wish) {
  std::vector<ServicePlan> plans;
  for (const std::string& name : in_order(project)) {
    ServicePlan plan = TRY(plan_service(project, project.services.at(name), present, wish));
    plans.push_back(std::move(plan));
  }
  return plans;
}

std::vector<Present> orphans(const Project& project, const std::vector<Present>& present) {
  std::vector<Present> found;
  std::ranges::copy_if(present, std::back_inserter(found), [&](const Present& container) {
    return !container.one_off && !project.declared.contains(container.service);
  });
  return found;
}

}  // namespace proa::compose
