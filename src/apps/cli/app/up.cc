// compose up, down, scale, build, pull: what makes an app and takes it away.
#include <csignal>
#include <thread>

#include "apps/cli/app/build_image.h"
#include "apps/cli/app/commands.h"
#include "apps/cli/app/project.h"
#include "apps/cli/call.h"
#include "apps/cli/ending.h"
#include "base/number.h"
#include "compose/plan/labels.h"
#include "compose/run/down.h"
#include "compose/run/logs.h"
#include "compose/run/up.h"

namespace proa::cli {
namespace {

using client::Flag;

constexpr auto kBoolean = Flag::Kind::boolean;
constexpr auto kText = Flag::Kind::text;
constexpr auto kList = Flag::Kind::list;
constexpr auto kInteger = Flag::Kind::integer;

// "web=3"
Result<std::map<std::string, unsigned>> scales(const std::vector<std::string>& texts,
                                               const compose::Project& project) {
  std::map<std::string, unsigned> found;
  for (const std::string& text : texts) {
    const auto [service, count] = split_once(text, '=');
    if (!project.services.contains(std::string(service))) {
      return fail(ErrorKind::not_found, "no such service: ", printable(service, 60));
    }
    found[std::string(service)] =
        TRY(parse_number<unsigned>(count), "scale '", printable(text, 60), "'");
  }
  return found;
}

compose::UpOptions up_options(Call& call, const compose::Project& project) {
  compose::UpOptions options;
  options.environment = variable;
  options.build = [&call, &project](const compose::Service& service, const std::string& image) {
    return build_image(call, project, service, image);
  };
  return options;
}

Result<void> choose(const client::Flags& flags, compose::UpOptions& options) {
  if (flags.is("force-recreate") && flags.is("no-recreate")) {
    return fail(ErrorKind::invalid_argument,
                "--force-recreate and --no-recreate exclude one another");
  }
  if (flags.is("force-recreate")) options.recreate = compose::Recreate::always;
  if (flags.is("no-recreate")) options.recreate = compose::Recreate::never;
  const std::string pull = flags.text("pull");
  if (pull == "always") {
    options.pull = compose::Pull::always;
  } else if (pull == "never") {
    options.pull = compose::Pull::never;
  } else if (!pull.empty() && pull != "missing") {
    return fail(ErrorKind::invalid_argument, "--pull takes always, missing or never, not '",
                printable(pull, 40), "'");
  }
  options.build_always = flags.is("build");
  options.start = !flags.is("no-start");
  options.remove_orphans = flags.is("remove-orphans");
  options.wait = flags.is("wait");
  options.wait_timeout = std::chrono::seconds(flags.integer("wait-timeout").value_or(0));
  options.stop_timeout = flags.integer("timeout");
  return {};
}

// Shows the logs until all ends or Ctrl-C is typed, and then stops what was started.
Result<int> follow(const client::Address& engine, const compose::Project& project,
                   const std::set<std::string>& services, compose::Report& report) {
  // Threads of their own wait for signals, so that the logs' own can be left where they are.
  const EndingSignals ending;
  const auto end = [&](compose::Lifecycle how, std::string_view what) {
    report.tell("Project", project.name, what);
    compose::LifecycleOptions options;
    options.services = services;
    discard(compose::change(engine, project, how, options, report),
            "what did not stop is still there to see");
  };
  std::jthread stopper([&](const std::stop_token& done) {
    if (!ending.wait(done)) return;
    std::jthread hastener([&](const std::stop_token& stopped) {
      if (ending.wait(stopped)) end(compose::Lifecycle::kill, "Killing");
    });
    end(compose::Lifecycle::stop, "Stopping (again to kill)");
  });
  compose::LogOptions options;
  options.services = services;
  options.follow = true;
  options.colours = terminal_width().has_value();
  TRY(compose::logs(engine, project.name, options,
                    [](std::string_view lines) { discard(print(lines), "nobody reads them"); }));
  return 0;
}

// The named services and what they need.
void keep_wanted(compose::Project& project, const std::set<std::string>& wanted,
                 bool with_dependencies) {
  if (wanted.empty()) return;
  std::set<std::string> kept;
  std::vector<std::string> next(wanted.begin(), wanted.end());
  while (!next.empty()) {
    const std::string name = next.back();
    next.pop_back();
    const auto service = project.services.find(name);
    if (service == project.services.end() || !kept.insert(name).second) continue;
    if (!with_dependencies) continue;
    for (const auto& [dependency, how] : service->second.depends_on) next.push_back(dependency);
  }
  std::erase_if(project.services, [&](const auto& entry) { return !kept.contains(entry.first); });
}

Result<int> do_up(Call& call) {
  const client::Flags& flags = call.flags();
  const std::set<std::string> wanted = named_services(call);
  compose::Project project = TRY(load_project(call, wanted));
  compose::UpOptions options = up_options(call, project);
  TRY(choose(flags, options));
  options.scale = TRY(scales(flags.list("scale"), project));
  keep_wanted(project, wanted, !flags.is("no-deps"));
  const client::Address engine = TRY(engine_of(call));
  compose::Report report(report_printer());
  TRY(compose::up(engine, project, options, report));
  if (flags.is("detach") || flags.is("no-start") || flags.is("wait")) return 0;
  return follow(engine, project, wanted, report);
}

Result<int> do_scale(Call& call) {
  compose::Project project = TRY(load_project(call));
  compose::UpOptions options = up_options(call, project);
  options.scale = TRY(scales(call.arguments(), project));
  options.recreate = compose::Recreate::never;
  std::set<std::string> wanted;
  for (const auto& [service, count] : options.scale) wanted.insert(service);
  keep_wanted(project, wanted, !call.flags().is("no-deps"));
  const client::Address engine = TRY(engine_of(call));
  compose::Report report(report_printer());
  TRY(compose::up(engine, project, options, report));
  return 0;
}

Result<int> do_down(Call& call) {
  const client::Flags& flags = call.flags();
  const compose::Project project = TRY(project_or_name(call));
  compose::DownOptions options;
  options.stop_timeout = flags.integer("timeout");
  options.volumes = flags.is("volumes");
  options.remove_orphans = flags.is("remove-orphans");
  const std::string images = flags.text("rmi");
  if (images == "all") {
    options.images = compose::RemoveImages::all;
  } else if (images == "local") {
    options.images = compose::RemoveImages::local;
  } else if (!images.empty()) {
    return fail(ErrorKind::invalid_argument, "--rmi takes all or local, not '",
                printable(images, 40), "'");
  }
  const client::Address engine = TRY(engine_of(call));
  compose::Report report(report_printer());
  TRY(compose::down(engine, project, options, report));
  return 0;
}

Result<int> do_build(Call& call) {
  compose::Project project = TRY(load_project(call, named_services(call)));
  keep_wanted(project, named_services(call), false);
  compose::Report report(report_printer());
  for (const auto& [name, service] : project.services) {
    if (!service.build) continue;
    const std::string image = compose::image_name(project, service);
    TRY(build_image(call, project, service, image), "building ", name);
    report.tell("Image", image, "Built");
  }
  return 0;
}

Result<int> do_pull(Call& call) {
  compose::Project project = TRY(load_project(call, named_services(call)));
  keep_wanted(project, named_services(call), false);
  std::erase_if(project.services, [](const auto& entry) { return entry.second.build.has_value(); });
  compose::UpOptions options = up_options(call, project);
  options.pull = compose::Pull::always;
  const client::Address engine = TRY(engine_of(call));
  compose::Report report(report_printer());
  TRY(compose::ensure_images(engine, project, options, report));
  return 0;
}

constexpr Flag kUpFlags[] = {
    {'\0', "build", kBoolean, "", "Build images anew before starting"},
    {'d', "detach", kBoolean, "", "Leave it running; do not show the logs"},
    {'\0', "force-recreate", kBoolean, "", "Make containers anew, changed or not"},
    {'\0', "no-deps", kBoolean, "", "Leave alone what the named services depend on"},
    {'\0', "no-recreate", kBoolean, "", "Leave containers as they are, changed or not"},
    {'\0', "no-start", kBoolean, "", "Only create"},
    {'\0', "pull", kText, "when", "always, missing or never (missing)"},
    {'\0', "remove-orphans", kBoolean, "", "Remove containers of services that are gone"},
    {'\0', "scale", kList, "service=n", "How many of a service"},
    {'t', "timeout", kInteger, "seconds", "Until what has to stop is killed"},
    {'\0', "wait", kBoolean, "", "Wait until all runs, or is healthy where it can tell"},
    {'\0', "wait-timeout", kInteger, "seconds", "How long at most"},
};

constexpr Flag kDownFlags[] = {
    {'\0', "remove-orphans", kBoolean, "", "Remove containers of services that are gone"},
    {'\0', "rmi", kText, "which", "Remove images: all, or local ones that were built"},
    {'t', "timeout", kInteger, "seconds", "Until what has to stop is killed"},
    {'v', "volumes", kBoolean, "", "Remove volumes too"},
};

constexpr Flag kBuildFlags[] = {
    {'q', "quiet", kBoolean, "", "Show no steps"},
};

constexpr Flag kScaleFlags[] = {
    {'\0', "no-deps", kBoolean, "", "Leave alone what the named services depend on"},
};

}  // namespace

const Command kAppUp = {.name = "up",
                        .arguments = "[SERVICE...]",
                        .brief = "Bring an app to what its Compose file says",
                        .flags = kUpFlags,
                        .run = do_up,
                        .shared_flags = project_flags,
                        .more =
                            "Makes networks, volumes, images and containers; only what changed "
                            "is made anew. A\nservice with `runtime: vm` runs as a virtual "
                            "machine, on the same networks."};
const Command kAppDown = {.name = "down",
                          .brief = "Stop and remove an app's containers and networks",
                          .most = 0,
                          .flags = kDownFlags,
                          .run = do_down,
                          .shared_flags = project_flags};
const Command kAppScale = {.name = "scale",
                           .arguments = "SERVICE=N [SERVICE=N...]",
                           .brief = "Set how many of a service run",
                           .least = 1,
                           .flags = kScaleFlags,
                           .run = do_scale,
                           .shared_flags = project_flags};
const Command kAppBuild = {.name = "build",
                           .arguments = "[SERVICE...]",
                           .brief = "Build the images of an app's services",
                           .flags = kBuildFlags,
                           .run = do_build,
                           .shared_flags = project_flags};
const Command kAppPull = {.name = "pull",
                          .arguments = "[SERVICE...]",
                          .brief = "Pull the images of an app's services",
                          .flags = {},
                          .run = do_pull,
                          .shared_flags = project_flags};

}  // namespace proa::cli
