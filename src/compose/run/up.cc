#include "compose/run/up.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "compose/plan/body.h"
#include "compose/plan/labels.h"
#include "compose/run/contents.h"
#include "compose/run/engine_calls.h"
#include "compose/run/progress_board.h"
#include "compose/run/wait.h"

namespace proa::compose {
namespace {

// Brings one service up in a thread of its own.
class ServiceRunner {
 public:
  ServiceRunner(const client::Address& engine, const Project& project, const UpOptions& options,
                const std::string& image_id, Report& report)
      : calls_(engine),
        project_(project),
        options_(options),
        image_id_(image_id),
        report_(report) {}

  Result<void> run(const ServicePlan& plan, ProgressBoard& board) {
    const Service& service = project_.services.at(plan.service);
    if (options_.start) TRY(await_dependencies(service, board));
    for (const Step& step : plan.steps) TRY(carry_out(service, step));
    return {};
  }

 private:
  Result<void> await_dependencies(const Service& service, ProgressBoard& board) {
    for (const auto& [name, how] : service.depends_on) {
      const auto dependency = project_.services.find(name);
      if (dependency == project_.services.end()) continue;
      Result<void> reached = board.await(name);
      if (reached.ok()) reached = await_condition(dependency->second, how);
      if (reached.ok() || how.required.value_or(true)) {
        if (!reached.ok()) return reached;
        continue;
      }
      report_.warn(cat("optional dependency ", name, ": ", reached.error().message()));
    }
    return {};
  }

  Result<void> await_condition(const Service& dependency, const Dependency& how) {
    if (how.condition == "service_started") return {};
    const Until until = how.condition == "service_healthy" ? Until::healthy : Until::completed;
    const std::vector<Present> all = TRY(calls_.containers(project_.name));
    for (const Present& container : all) {
      if (container.service != dependency.name || container.one_off) continue;
      report_.tell("Container", container.name, "Waiting");
      TRY(await(calls_, container.id, container.name, until, std::nullopt));
      report_.tell("Container", container.name, until == Until::healthy ? "Healthy" : "Exited");
    }
    return {};
  }

  Result<void> carry_out(const Service& service, const Step& step) {
    switch (step.action) {
      case Action::keep:
        report_.tell("Container", step.name, "Running");
        return {};
      case Action::start:
        return start(step.present.id, step.name);
      case Action::create: {
        const std::string id = TRY(create(service, step));
        return start(id, step.name);
      }
      case Action::recreate:
        return recreate(service, step);
      case Action::remove:
        TRY(calls_.stop(step.present.id, options_.stop_timeout));
        TRY(calls_.remove(step.present.id, EngineCalls::Volumes::anonymous));
        report_.tell("Container", step.name, "Removed");
        return {};
    }
    return {};
  }

  Result<std::string> create(const Service& service, const Step& step) {
    const json::Value body = TRY(container_body(project_, service, step.number, image_id_));
    std::string id = TRY(calls_.create(step.name, body));
    const Result<void> filled = put_contents(calls_, project_, service, id, options_.environment);
    if (!filled.ok()) {
      discard(calls_.remove(id, EngineCalls::Volumes::anonymous), "the first error is the one");
      return Error(filled.error()).with_context(step.name);
    }
    report_.tell("Container", step.name, "Created");
    return id;
  }

  // The old one steps aside under another name and comes back if the new one cannot be made.
  Result<void> recreate(const Service& service, const Step& step) {
    const std::string aside = cat(step.present.id.substr(0, 12), "_", step.present.name);
    TRY(calls_.stop(step.present.id, options_.stop_timeout));
    TRY(calls_.rename(step.present.id, aside));
    Result<std::string> made = create(service, step);
    if (!made.ok()) {
      discard(calls_.rename(step.present.id, step.present.name), "the first error is the one");
      if (step.present.running()) {
        discard(calls_.start(step.present.id), "the first error is the one");
      }
      return std::move(made).error();
    }
    TRY(calls_.remove(step.present.id, EngineCalls::Volumes::keep));
    report_.tell("Container", step.name, "Recreated");
    return start(made.value(), step.name);
  }

  Result<void> start(const std::string& id, const std::string& name) {
    if (!options_.start) return {};
    TRY(calls_.start(id), "starting ", name);
    report_.tell("Container", name, "Started");
    return {};
  }

  EngineCalls calls_;
  const Project& project_;
  const UpOptions& options_;
  const std::string& image_id_;
  Report& report_;
};

Result<void> ensure_shared(EngineCalls& calls, const Project& project, Report& report) {
  for (const auto& [key, network] : project.networks) {
    const bool used = std::ranges::any_of(
        project.services, [&](const auto& entry) { return entry.second.networks.contains(key); });
    if (!used) continue;
    const bool made = TRY(calls.ensure_network(project, key, network));
    if (made) report.tell("Network", network.name, "Created");
  }
  for (const auto& [key, volume] : project.volumes) {
    const bool made = TRY(calls.ensure_volume(project, key, volume));
    if (made) report.tell("Volume", volume.name, "Created");
  }
  return {};
}

Result<void> handle_orphans(EngineCalls& calls, const Project& project,
                            const std::vector<Present>& present, const UpOptions& options,
                            Report& report) {
  const std::vector<Present> found = orphans(project, present);
  std::string names;
  for (const Present& orphan : found) {
    names += cat(names.empty() ? "" : ", ", orphan.name);
    if (!options.remove_orphans) continue;
    TRY(calls.stop(orphan.id, options.stop_timeout));
    TRY(calls.remove(orphan.id, EngineCalls::Volumes::anonymous));
    report.tell("Container", orphan.name, "Removed");
  }
  if (!names.empty() && !options.remove_orphans) {
    report.warn(cat("Found orphan containers (", names,
                    ") for this project. If you removed or renamed this service in your Compose "
                    "file, use --remove-orphans to clean them up."));
  }
  return {};
}

Result<void> await_all(EngineCalls& calls, const Project& project, const UpOptions& options) {
  std::optional<Clock::time_point> deadline;
  if (options.wait_timeout.count() > 0) deadline = Clock::now() + options.wait_timeout;
  const std::vector<Present> present = TRY(calls.containers(project.name));
  for (const Present& container : present) {
    if (container.one_off || !project.services.contains(container.service)) continue;
    TRY(await(calls, container.id, container.name, Until::running_or_healthy, deadline));
  }
  return {};
}

}  // namespace

Result<void> up(const client::Address& engine, const Project& project, const UpOptions& options,
                Report& report) {
  EngineCalls calls(engine);
  const std::map<std::string, std::string> images =
      TRY(ensure_images(engine, project, options, report));
  TRY(ensure_shared(calls, project, report));
  const std::vector<Present> present = TRY(calls.containers(project.name));
  TRY(handle_orphans(calls, project, present, options, report));
  const std::vector<ServicePlan> plans =
      TRY(plan_up(project, present, {options.recreate, options.scale, images}));

  ProgressBoard board;
  {
    std::vector<std::jthread> threads;
    for (const ServicePlan& plan : plans) {
      threads.emplace_back([&] {
        ServiceRunner runner(engine, project, options, images.at(plan.service), report);
        const Result<void> outcome = runner.run(plan, board);
        if (!outcome.ok())
          report.tell("Service", plan.service, cat("Error: ", outcome.error().message()));
        board.finish(plan.service, outcome);
      });
    }
  }
  TRY(board.outcome());
  if (options.start && options.wait) TRY(await_all(calls, project, options));
  return {};
}

Result<std::map<std::string, std::string>> ensure_images(const client::Address& engine,
                                                         const Project& project,
                                                         const UpOptions& options, Report& report) {
  EngineCalls calls(engine);
  std::map<std::string, std::string> by_service;
  std::map<std::string, std::string> known;  // by reference
  for (const auto& [name, service] : project.services) {
    const std::string reference = image_name(project, service);
    const auto seen = known.find(reference);
    if (seen != known.end()) {
      by_service[name] = seen->second;
      continue;
    }
    std::optional<std::string> id = TRY(calls.image_id(reference));
    const bool builds = service.build.has_value();
    if (builds && (!id || options.build_always || service.pull_policy == "build")) {
      TRY(options.build(service, reference), "building ", name);
      report.tell("Image", reference, "Built");
      id = TRY(calls.image_id(reference));
    } else if (!builds &&
               (!id || options.pull == Pull::always || service.pull_policy == "always")) {
      if (options.pull == Pull::never || service.pull_policy == "never") {
        return fail(ErrorKind::not_found, "no such image: ", reference);
      }
      report.tell("Image", reference, "Pulling");
      TRY(calls.pull(reference, [](const json::Value&) -> Result<void> { return {}; }));
      report.tell("Image", reference, "Pulled");
      id = TRY(calls.image_id(reference));
    }
    if (!id) return fail(ErrorKind::not_found, "no such image: ", reference);
    known[reference] = *id;
    by_service[name] = std::move(*id);
  }
  return by_service;
}

}  // namespace proa::compose
