#include "apps/cli/app/build_image.h"

#include "apps/cli/app/project.h"
#include "apps/cli/build/build_view.h"
#include "client/stream/json_lines.h"
#include "kernel/file/file.h"

namespace proa::cli {
namespace {

using json::Value;

// Secrets of a build by their names; from a file or a variable.
Result<Value> secrets_of(const compose::Project& project, const compose::Build& build) {
  Value secrets = Value::object();
  for (const compose::ContentMount& secret : build.secrets) {
    const auto content = project.secrets.find(secret.source);
    if (content == project.secrets.end()) {
      return fail(ErrorKind::invalid_argument, "build secret '", secret.source, "' is not defined");
    }
    const std::string name = secret.target.empty() ? secret.source : secret.target;
    if (!content->second.file.empty()) {
      secrets.set(name, TRY(file::read_file(content->second.file), "secret ", secret.source));
    } else {
      secrets.set(name, variable(content->second.environment).value_or(""));
    }
  }
  return secrets;
}

Result<Value> body_of(const compose::Project& project, const compose::Service& service,
                      const std::string& image) {
  const compose::Build& build = *service.build;
  Value body = Value::object();
  body.set("Directory", build.context);
  if (!build.dockerfile_inline.empty()) {
    body.set("Dockerfile", build.dockerfile_inline);
  } else {
    body.set("DockerfileName", build.dockerfile);
  }
  std::vector<std::string> tags = build.tags;
  tags.insert(tags.begin(), image);
  body.set("Tags", Value(tags));
  Value arguments = Value::object();
  for (const auto& [name, value] : build.args) arguments.set(name, value.value_or(""));
  body.set("Arguments", std::move(arguments));
  Value labels = Value::object();
  for (const auto& [name, value] : build.labels) labels.set(name, value);
  body.set("Labels", std::move(labels));
  body.set("Secrets", TRY(secrets_of(project, build)));
  if (!build.target.empty()) body.set("Target", build.target);
  if (!build.network.empty()) body.set("Network", build.network);
  if (build.shm_size) body.set("ShmSize", build.shm_size->bytes);
  if (build.no_cache) body.set("NoCache", true);
  if (build.pull) body.set("Pull", true);
  std::vector<std::string> hosts;
  for (const auto& [name, addresses] : build.extra_hosts) {
    for (const std::string& address : addresses) hosts.push_back(cat(name, ":", address));
  }
  body.set("ExtraHosts", Value(hosts));
  return body;
}

}  // namespace

Result<void> build_image(Call& call, const compose::Project& project,
                         const compose::Service& service, const std::string& image) {
  client::Client engine = TRY(call.another());
  client::Request request("POST", "/proa/v1/build");
  request.body(TRY(body_of(project, service, image)));
  client::Connection connection = TRY(engine.open(request));
  const bool quiet = call.flags().is("quiet");
  BuildView view(quiet ? std::nullopt : terminal_width(),
                 [quiet](std::string_view text) -> Result<void> {
                   if (!quiet) show_progress(text);
                   return {};
                 });
  Value end;
  TRY(client::for_each_value(connection, [&](Value event) -> Result<void> {
    const std::string kind = text_at(event, "Event");
    if (kind != "built" && kind != "error") return view.show(event);
    end = std::move(event);
    return {};
  }));
  if (text_at(end, "Event") == "error") {
    if (quiet || terminal_width()) show_progress(view.log_of_failed());
    return fail(ErrorKind::internal, text_at(end, "Text"));
  }
  if (text_at(end, "Event") != "built") {
    return fail(ErrorKind::unavailable, "the engine stopped answering during the build");
  }
  return view.finish();
}

}  // namespace proa::cli
