#include "compose/run/down.h"

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "compose/plan/labels.h"
#include "compose/plan/plan.h"
#include "compose/run/engine_calls.h"

namespace proa::compose {
namespace {

// Keeps the first of several errors.
class FirstError {
 public:
  void note(const Result<void>& outcome) {
    if (outcome.ok()) return;
    const std::lock_guard lock(mutex_);
    if (!first_) first_ = outcome.error();
  }
  Result<void> outcome() const {
    if (first_) return *first_;
    return {};
  }

 private:
  std::mutex mutex_;
  std::optional<Error> first_;  // guarded by mutex_ while threads run
};

// How many services stand below each: those of one level do not depend on one another.
std::map<std::string, unsigned> levels(const Project& project) {
  std::map<std::string, unsigned> level;
  for (const std::string& name : in_order(project)) {
    unsigned above = 0;
    for (const auto& [dependency, how] : project.services.at(name).depends_on) {
      const auto below = level.find(dependency);
      if (below != level.end()) above = std::max(above, below->second + 1);
    }
    level[name] = above;
  }
  return level;
}

enum class Order : bool { dependencies_first, dependencies_last };

// Does `act` with every container, those of one level at once.
Result<void> in_levels(const client::Address& engine, const Project& project,
                       const std::vector<Present>& containers, Order order,
                       const std::function<Result<void>(EngineCalls&, const Present&)>& act) {
  const std::map<std::string, unsigned> level = levels(project);
  std::map<int, std::vector<const Present*>> groups;
  for (const Present& container : containers) {
    const auto found = level.find(container.service);
    const int height = found == level.end() ? 0 : static_cast<int>(found->second);
    groups[order == Order::dependencies_first ? height : -height].push_back(&container);
  }
  FirstError first;
  for (const auto& [height, group] : groups) {
    std::vector<std::jthread> threads;
    for (const Present* container : group) {
      threads.emplace_back([&, container] {
        EngineCalls calls(engine);
        first.note(act(calls, *container));
      });
    }
  }
  return first.outcome();
}

Result<void> remove_images(EngineCalls& calls, const Project& project, const DownOptions& options,
                           Report& report) {
  for (const auto& [name, service] : project.services) {
    if (options.images == RemoveImages::local && !service.image.empty()) continue;
    const std::string image = image_name(project, service);
    const client::Reply reply = TRY(calls.client().exchange(
        client::Request("DELETE", cat("/images/", client::percent_encode(image)))));
    if (reply.good()) {
      report.tell("Image", image, "Removed");
    } else if (reply.status != 404) {
      report.warn(client::error_of(reply.status, reply.body).message());
    }
  }
  return {};
}

}  // namespace

Result<void> down(const client::Address& engine, const Project& project, const DownOptions& options,
                  Report& report) {
  EngineCalls calls(engine);
  std::vector<Present> containers = TRY(calls.containers(project.name));
  if (!project.services.empty() && !options.remove_orphans) {
    std::erase_if(containers, [&](const Present& container) {
      return !project.services.contains(container.service);
    });
  }
  FirstError first;
  first.note(in_levels(engine, project, containers, Order::dependencies_last,
                       [&](EngineCalls& own, const Present& container) -> Result<void> {
                         if (container.running()) {
                           TRY(own.stop(container.id, options.stop_timeout));
                           report.tell("Container", container.name, "Stopped");
                         }
                         TRY(own.remove(container.id, EngineCalls::Volumes::anonymous));
                         report.tell("Container", container.name, "Removed");
                         return {};
                       }));
  if (options.images != RemoveImages::no) {
    first.note(remove_images(calls, project, options, report));
  }
  if (options.volumes) {
    const std::vector<std::string> volumes = TRY(calls.volumes(project.name));
    for (const std::string& volume : volumes) {
      const Result<void> removed = calls.remove_volume(volume);
      if (removed.ok()) report.tell("Volume", volume, "Removed");
      first.note(removed);
    }
  }
  const std::vector<std::string> networks = TRY(calls.networks(project.name));
  for (const std::string& network : networks) {
    const Result<void> removed = calls.remove_network(network);
    if (removed.ok()) report.tell("Network", network, "Removed");
    first.note(removed);
  }
  return first.outcome();
}

Result<void> change(const client::Address& engine, const Project& project, Lifecycle what,
                    const LifecycleOptions& options, Report& report) {
  EngineCalls calls(engine);
  std::vector<Present> containers = TRY(calls.containers(project.name));
  std::erase_if(containers, [&](const Present& container) {
    return container.one_off ||
           (!options.services.empty() && !options.services.contains(container.service));
  });
  const Order order =
      what == Lifecycle::start ? Order::dependencies_first : Order::dependencies_last;
  return in_levels(engine, project, containers, order,
                   [&](EngineCalls& own, const Present& container) -> Result<void> {
                     switch (what) {
                       case Lifecycle::start:
                         TRY(own.start(container.id));
                         report.tell("Container", container.name, "Started");
                         return {};
                       case Lifecycle::stop:
                         TRY(own.stop(container.id, options.timeout));
                         report.tell("Container", container.name, "Stopped");
                         return {};
                       case Lifecycle::restart:
                         TRY(own.restart(container.id, options.timeout));
                         report.tell("Container", container.name, "Restarted");
                         return {};
                       case Lifecycle::kill:
                         if (!container.running()) return {};
                         TRY(own.kill(container.id, options.signal));
                         report.tell("Container", container.name, "Killed");
                         return {};
                     }
                     return {};
                   });
}

}  // namespace proa::compose
