// A container's life: create, start, stop and what else changes it, list and inspect.
#include "api/docker/body/config_body.h"
#include "api/docker/containers/container_show.h"
#include "api/docker/containers/create.h"
#include "api/docker/filters.h"
#include "api/docker/resources.h"
#include "api/docker/streams.h"
#include "api/services.h"
#include "base/time.h"
#include "hull/heavy/heavy_hull.h"

namespace proa::api::docker {
namespace {

using engine::Phase;
using engine::Workload;
using json::Value;

constexpr std::chrono::seconds kPatienceAfterKill{10};

std::int64_t now_count() { return now().time_since_epoch().count(); }

Result<void> create(Services& services, Request& request) {
  const Value document = TRY(request.body());
  const engine::Created created = TRY(create_workload(services, request, document));
  return request.reply(201, print_created(created));
}

Result<void> start(Services& services, Request& request) {
  TRY(parse_detach_keys(request.text("detachKeys")), "query parameter 'detachKeys'");
  const Workload workload = TRY(services.engine.inspect(request.name("id")));
  if (workload.state.phase == Phase::running || workload.state.phase == Phase::restarting) {
    return request.reply(304);
  }
  const Result<void> started = services.engine.start(workload.id);
  if (!started.ok()) {
    remove_after_failure(services.engine, workload);
    return reply_start_error(request, started.error());
  }
  return request.reply(204);
}

Result<std::optional<std::chrono::seconds>> patience(const Request& request) {
  const auto seconds = TRY(request.number<std::int32_t>("t"));
  if (!seconds) return std::optional<std::chrono::seconds>();
  return std::optional<std::chrono::seconds>(std::chrono::seconds(*seconds));
}

Result<void> stop(Services& services, Request& request) {
  const Workload workload = TRY(services.engine.inspect(request.name("id")));
  const auto timeout = TRY(patience(request));
  if (!is_up(workload.state.phase)) return request.reply(304);
  TRY(services.engine.stop(workload.id, timeout, request.text("signal")));
  return request.reply(204);
}

Result<void> restart(Services& services, Request& request) {
  const auto timeout = TRY(patience(request));
  TRY(services.engine.restart(request.name("id"), timeout, request.text("signal")));
  return request.reply(204);
}

Result<void> kill(Services& services, Request& request) {
  const std::string signal = request.text("signal");
  const auto ended = TRY(services.engine.wait(request.name("id"), engine::WaitFor::not_running));
  TRY(services.engine.kill(request.name("id"), signal));
  // After a kill for good clients look at once how it ended.
  if (signal.empty() || signal == "KILL" || signal == "SIGKILL" || signal == "9") {
    discard(ended->wait(kPatienceAfterKill), "it then ends later");
  }
  return request.reply(204);
}

Result<void> pause(Services& services, Request& request) {
  TRY(services.engine.pause(request.name("id")));
  return request.reply(204);
}

Result<void> unpause(Services& services, Request& request) {
  TRY(services.engine.unpause(request.name("id")));
  return request.reply(204);
}

Result<void> rename(Services& services, Request& request) {
  std::string name = request.text("name");
  if (name.starts_with('/')) name.erase(0, 1);
  if (name.empty()) {
    return fail(ErrorKind::invalid_argument, "Neither old or new names may be empty");
  }
  TRY(services.engine.rename(request.name("id"), name));
  return request.reply(204);
}

Result<void> remove(Services& services, Request& request) {
  if (request.flag("link")) return fail(ErrorKind::unsupported, "links are not supported");
  TRY(services.engine.remove(request.name("id"),
                             {.force = request.flag("force"), .volumes = request.flag("v")}));
  return request.reply(204);
}

Result<void> update(Services& services, Request& request) {
  const Workload workload = TRY(services.engine.inspect(request.name("id")));
  const Value document = TRY(request.body());
  const UpdateBody body = TRY(read_update(document, workload.config.limits));
  if (body.restart && workload.config.auto_remove && body.restart->mode != wire::RestartMode::no) {
    return fail(ErrorKind::invalid_argument,
                "Restart policy cannot be updated because AutoRemove is enabled for the container");
  }
  TRY(services.engine.update(workload.id, body.limits, body.restart));
  Value answer = Value::object();
  answer.set("Warnings", Value::array());
  return request.reply(200, answer);
}

void add_sizes(Services& services, const Workload& workload, Value& value) {
  const auto writable = services.engine.writable_size(workload.id);
  const auto image = services.images.inspect(workload.image_id);
  const std::uint64_t own = writable.ok() ? writable.value() : 0;
  value.set("SizeRw", own);
  value.set("SizeRootFs", own + (image.ok() ? image.value().size : 0));
}

Result<void> list(Services& services, Request& request) {
  const engine::Filters filters = TRY(request.filters());
  TRY(check_filters(
      filters, {"ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation",
                "label", "name", "network", "publish", "runtime", "since", "status", "volume"}));
  const auto limit = TRY(request.number<std::int64_t>("limit"));
  const bool limited = limit && *limit > 0;
  const bool all = request.flag("all") || limited || filters.contains("status");
  Value answer = Value::array();
  std::int64_t count = 0;
  for (const Workload& workload : TRY(services.engine.list(filters))) {
    if (!all && !is_up(workload.state.phase)) continue;
    if (limited && count++ == *limit) break;
    Value entry = print_summary(workload, now_count());
    if (request.flag("size")) add_sizes(services, workload, entry);
    answer.push(std::move(entry));
  }
  return request.reply(200, answer);
}

Result<void> inspect(Services& services, Request& request) {
  const Workload workload = TRY(services.engine.inspect(request.name("id")));
  Value answer = print_inspect(workload, services.engine.options().root);
  if (workload.config.hull == wire::HullKind::vm) {
    Value host_config = *answer.find("HostConfig");
    host_config.set("Isolation", hull::isolation_here(services.engine.options().run));
    answer.set("HostConfig", std::move(host_config));
  }
  const std::vector<std::string> execs = TRY(services.engine.execs(workload.id));
  answer.set("ExecIDs", execs.empty() ? Value() : Value(execs));
  if (request.flag("size")) add_sizes(services, workload, answer);
  return request.reply(200, answer);
}

Result<void> prune(Services& services, Request& request) {
  engine::Filters filters = TRY(request.filters());
  TRY(check_filters(filters, {"label", "label!", "until"}));
  const auto until = TRY(until_filter(filters));
  if (until) filters["until"] = {to_rfc3339(Moment(std::chrono::nanoseconds(*until)))};
  const engine::Pruned pruned = TRY(services.engine.prune(filters));
  Value answer = Value::object();
  answer.set("ContainersDeleted", pruned.removed.empty() ? Value() : Value(pruned.removed));
  answer.set("SpaceReclaimed", pruned.reclaimed_bytes);
  return request.reply(200, answer);
}

}  // namespace

void add_containers(Routes& routes) {
  routes.insert(routes.end(), {
                                  {"GET", "/containers/json", list},
                                  {"POST", "/containers/create", create},
                                  {"POST", "/containers/prune", prune},
                                  {"GET", "/containers/{id}/json", inspect},
                                  {"POST", "/containers/{id}/start", start},
                                  {"POST", "/containers/{id}/stop", stop},
                                  {"POST", "/containers/{id}/restart", restart},
                                  {"POST", "/containers/{id}/kill", kill},
                                  {"POST", "/containers/{id}/pause", pause},
                                  {"POST", "/containers/{id}/unpause", unpause},
                                  {"POST", "/containers/{id}/rename", rename},
                                  {"POST", "/containers/{id}/update", update},
                                  {"DELETE", "/containers/{id}", remove},
                              });
}

}  // namespace proa::api::docker
