// Volumes.
#include <algorithm>

#include "api/docker/body/description.h"
#include "api/docker/containers/container_show.h"
#include "api/docker/filters.h"
#include "api/docker/resources.h"
#include "api/docker/volumes/volume_show.h"
#include "api/services.h"

namespace proa::api::docker {
namespace {

using json::Value;

Result<void> list(Services& services, Request& request) {
  const engine::Filters filters = TRY(request.filters());
  TRY(check_filters(filters, {"dangling", "driver", "label", "label!", "name"}));
  const auto dangling = TRY(flag_filter(filters, "dangling"));
  const auto any = [&](const char* key, auto holds) {
    const auto values = filters.find(key);
    return values == filters.end() || std::ranges::any_of(values->second, holds);
  };
  Value volumes = Value::array();
  for (const engine::Volume& volume : TRY(services.engine.volumes().list())) {
    const bool named = any("name", [&](const std::string& value) {
      return volume.name.find(value) != std::string::npos;
    });
    const bool driven = any("driver", [](const std::string& value) { return value == "local"; });
    if (!named || !driven || !labels_match(volume.labels, filters)) continue;
    if (dangling && TRY(services.engine.volumes().users(volume.name)).empty() != *dangling) {
      continue;
    }
    volumes.push(print_volume(volume));
  }
  Value answer = Value::object();
  answer.set("Volumes", std::move(volumes));
  answer.set("Warnings", nullptr);
  return request.reply(200, answer);
}

Result<void> create(Services& services, Request& request) {
  const Value document = TRY(request.body());
  const json::Reader reader(document, "body");
  TRY(check_body(reader, Body::volume));
  engine::Volume volume;
  std::string driver;
  ShapeReader visit(reader);
  visit("Name", volume.name);
  visit("Driver", driver);
  visit("DriverOpts", volume.options);
  visit("Labels", volume.labels);
  TRY(visit.take());
  if (!driver.empty() && driver != "local") {
    return fail(ErrorKind::not_found, "create ", printable(volume.name),
                ": error looking up volume plugin ", printable(driver), ": plugin \"",
                printable(driver), "\" not found");
  }
  if (!volume.options.empty()) {
    return fail(ErrorKind::unsupported, "body: DriverOpts: is not supported");
  }
  if (reader.find("ClusterVolumeSpec")) {
    return fail(ErrorKind::unsupported, "body: ClusterVolumeSpec: is not supported");
  }
  const engine::Volume made = TRY(services.engine.volumes().create(std::move(volume)));
  return request.reply(201, print_volume(made));
}

Result<void> inspect(Services& services, Request& request) {
  const engine::Volume volume = TRY(services.engine.volumes().inspect(request.name("name")));
  return request.reply(200, print_volume(volume));
}

Result<void> remove(Services& services, Request& request) {
  TRY(services.engine.volumes().remove(request.name("name"), request.flag("force")));
  return request.reply(204);
}

Result<void> prune(Services& services, Request& request) {
  engine::Filters filters = TRY(request.filters());
  TRY(check_filters(filters, {"all", "label", "label!"}));
  // Before 1.42 named volumes went too.
  const bool all = TRY(flag_filter(filters, "all")).value_or(request.version() < 42);
  const auto [names, bytes] = TRY(services.engine.volumes().prune(all, filters));
  Value answer = Value::object();
  answer.set("VolumesDeleted", names.empty() ? Value() : Value(names));
  answer.set("SpaceReclaimed", bytes);
  return request.reply(200, answer);
}

}  // namespace

Value print_volume(const engine::Volume& volume) {
  Value value = Value::object();
  value.set("CreatedAt", moment_text(volume.created));
  value.set("Driver", "local");
  value.set("Labels", volume.labels.empty() ? Value() : print_shape(volume.labels));
  if (volume.anonymous && volume.labels.empty()) {
    Value labels = Value::object();
    labels.set("com.docker.volume.anonymous", "");
    value.set("Labels", std::move(labels));
  }
  value.set("Mountpoint", volume.path);
  value.set("Name", volume.name);
  value.set("Options", volume.options.empty() ? Value() : print_shape(volume.options));
  value.set("Scope", "local");
  return value;
}

void add_volumes(Routes& routes) {
  routes.insert(routes.end(), {
                                  {"GET", "/volumes", list},
                                  {"POST", "/volumes/create", create},
                                  {"POST", "/volumes/prune", prune},
                                  {"GET", "/volumes/{name}", inspect},
                                  {"DELETE", "/volumes/{name}", remove},
                              });
}

}  // namespace proa::api::docker
