#include "api/docker/containers/create.h"

#include <algorithm>

#include "api/docker/body/config_body.h"
#include "api/route/status.h"

namespace proa::api::docker {
namespace {

using engine::Workload;
using json::Value;

// The mounts of other containers, as --volumes-from asks for them.
Result<void> add_volumes_from(engine::Engine& engine, engine::Config& config) {
  for (const std::string& text : config.volumes_from) {
    const auto [name, mode] = split_once(text, ':');
    if (!mode.empty() && mode != "ro" && mode != "rw" && mode != "z" && mode != "Z") {
      return fail(ErrorKind::invalid_argument, "invalid mode for volumes-from: ", printable(mode));
    }
    const Workload other = TRY(engine.inspect(std::string(name)));
    for (const engine::MountPoint& point : other.mounts) {
      engine::Mount mount = point.mount;
      if (mode == "ro") mount.read_only = true;
      mount.anonymous = false;
      const bool covered = std::ranges::any_of(
          config.mounts, [&](const auto& own) { return own.destination == mount.destination; });
      if (!covered) config.mounts.push_back(std::move(mount));
    }
  }
  return {};
}

}  // namespace

Result<engine::Created> create_workload(Services& services, const Request& request,
                                        const Value& document) {
  std::optional<oci::image::Platform> platform;
  if (const std::string text = request.text("platform"); !text.empty()) {
    platform = TRY(oci::image::Platform::parse(text), "query parameter 'platform'");
  }
  CreateBody body = TRY(read_create(document, services.defaults));
  TRY(add_volumes_from(services.engine, body.config));
  engine::Created created =
      TRY(services.engine.create(request.text("name"), std::move(body.config), platform));
  created.warnings.insert(created.warnings.begin(), body.warnings.begin(), body.warnings.end());
  return created;
}

Value print_created(const engine::Created& created) {
  Value answer = Value::object();
  answer.set("Id", created.id);
  answer.set("Warnings", created.warnings.empty() ? Value::array() : Value(created.warnings));
  return answer;
}

void remove_after_failure(engine::Engine& engine, const Workload& workload) {
  if (!workload.config.auto_remove) return;
  discard(engine.remove(workload.id, {.force = true, .volumes = true}), "it may be gone already");
}

Result<void> reply_start_error(Request& request, const Error& error) {
  const bool program =
      error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::permission;
  return request.reply_error(program ? 400 : status_of(error.kind()), error.message());
}

}  // namespace proa::api::docker
