// Images made here: import of a file system, and commit of a container.
#include <algorithm>
#include <thread>

#include "api/docker/body/description.h"
#include "api/docker/images/image_show.h"
#include "api/docker/resources.h"
#include "api/route/json_stream.h"
#include "api/services.h"
#include "build/plan/changes.h"
#include "image/archive/import.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"
#include "oci/distribution/reference.h"
#include "oci/image/run_defaults.h"

namespace proa::api::docker {
namespace {

using json::Value;
using oci::distribution::Reference;

// The name that "repo" and "tag" give; "" where there is none.
Result<std::string> wanted_name(const Request& request) {
  const std::string repository = request.text("repo");
  const std::string tag = request.text("tag");
  if (repository.empty()) return std::string();
  const Reference reference =
      TRY(Reference::parse(tag.empty() ? repository : cat(repository, ":", tag)),
          "invalid reference format");
  if (reference.digest) {
    return fail(ErrorKind::invalid_argument, "cannot give an image a digest as its name");
  }
  return reference.text();
}

// The query's `changes`, each one line or more of a Dockerfile.
Result<void> apply_changes(const Request& request, oci::image::RunDefaults& run) {
  TRY(build::apply_changes(join(request.head().query.all("changes"), "\n"), run),
      "query parameter 'changes'");
  return {};
}

// What the container runs with becomes what workloads of the image run with.
oci::image::RunDefaults defaults_of(const engine::Workload& workload) {
  const engine::Config& config = workload.config;
  oci::image::RunDefaults run;
  run.user = workload.process.user;
  run.exposed_ports = config.exposed_ports;
  run.environment = workload.process.environment;
  std::erase_if(run.environment,
                [](const std::string& entry) { return entry.starts_with("HOSTNAME="); });
  run.entrypoint = config.entrypoint.value_or(std::vector<std::string>());
  run.command = workload.arguments;
  if (!run.entrypoint.empty() && run.entrypoint.size() <= run.command.size()) {
    run.command.erase(run.command.begin(),
                      run.command.begin() + static_cast<std::ptrdiff_t>(run.entrypoint.size()));
  }
  run.volumes = config.image_volumes;
  run.working_directory = workload.process.working_directory;
  run.labels.assign(config.labels.begin(), config.labels.end());
  run.stop_signal = config.stop_signal;
  return run;
}

template <typename List>
void add_missing(List& list, const List& more) {
  for (const auto& entry : more) {
    if (std::ranges::find(list, entry) == list.end()) list.push_back(entry);
  }
}

// What `run` does not say is as in `below`, by docker's rules.
void inherit(oci::image::RunDefaults& run, const oci::image::RunDefaults& below) {
  const auto take = [](auto& into, const auto& value) {
    if (into == std::remove_cvref_t<decltype(into)>()) into = value;
  };
  if (run.entrypoint.empty()) {
    take(run.command, below.command);
    run.entrypoint = below.entrypoint;
  }
  take(run.user, below.user);
  take(run.working_directory, below.working_directory);
  take(run.stop_signal, below.stop_signal);
  take(run.health_check, below.health_check);
  add_missing(run.exposed_ports, below.exposed_ports);
  add_missing(run.volumes, below.volumes);
  for (const std::string& entry : below.environment) {
    const auto same = [&, name = split_once(entry, '=').first](const std::string& other) {
      return split_once(other, '=').first == name;
    };
    if (std::ranges::none_of(run.environment, same)) run.environment.push_back(entry);
  }
  for (const auto& label : below.labels) {
    const auto same = [&](const auto& other) { return other.first == label.first; };
    if (std::ranges::none_of(run.labels, same)) run.labels.push_back(label);
  }
}

Result<void> commit(Services& services, Request& request) {
  const Value document = TRY(request.body());
  const json::Reader reader(document, "body");
  TRY(check_body(reader, Body::commit));
  oci::image::RunDefaults run = TRY(oci::image::parse_run(reader));
  TRY(apply_changes(request, run));
  engine::Engine& engine = services.engine;
  const engine::Workload workload = TRY(engine.inspect(request.text("container")));
  inherit(run, defaults_of(workload));
  const image::ImportRequest wanted{.name = TRY(wanted_name(request)),
                                    .author = request.text("author"),
                                    .comment = request.text("comment"),
                                    .created_by = join(workload.arguments, " "),
                                    .parent = workload.image_id,
                                    .run = std::move(run),
                                    .ends_with_marks = true};
  // A virtual machine's files come out of its running guest.
  const bool pause =
      request.flag("pause", true) && workload.config.hull == wire::HullKind::container &&
      workload.state.phase == engine::Phase::running && engine.pause(workload.id).ok();
  const auto made = [&]() -> Result<image::Descriptor> {
    const Fd tree = TRY(engine.export_tree(workload.id));
    return image::import_tree(services.images.store(), services.images.settings(), tree, wanted,
                              std::stop_token());
  }();
  if (pause) discard(engine.unpause(workload.id), "it may have been killed meanwhile");
  TRY(Result<image::Descriptor>(made));
  const image::Image image = TRY(services.images.inspect(made.value().digest.text()));
  Value answer = Value::object();
  answer.set("Id", image.id().text());
  return request.reply(201, answer);
}

}  // namespace

Result<void> import_image(Services& services, Request& request) {
  if (request.text("fromSrc") != "-") {
    return fail(ErrorKind::unsupported, "query parameter 'fromSrc': only \"-\" is supported");
  }
  image::ImportRequest wanted{.name = TRY(wanted_name(request)),
                              .comment = request.text("message"),
                              .created_by = "import"};
  TRY(apply_changes(request, wanted.run));
  if (const std::string platform = request.text("platform"); !platform.empty()) {
    wanted.platform = TRY(oci::image::Platform::parse(platform), "query parameter 'platform'");
  }
  file::Pipe pipe = TRY(file::make_pipe(file::kLargePipe));
  std::stop_source broken;
  Result<image::Descriptor> made = fail(ErrorKind::internal, "nothing was imported");
  std::thread importer([&, tar = std::move(pipe.read)]() mutable {
    made = image::import_tree(services.images.store(), services.images.settings(), tar, wanted,
                              broken.get_token());
    tar.reset();
  });
  const Result<void> fed = feed_body(request, std::move(pipe.write), broken);
  importer.join();
  TRY(Result<void>(fed));
  TRY(Result<image::Descriptor>(made));
  const image::Image image = TRY(services.images.inspect(made.value().digest.text()));
  publish_image_event(services.engine, "import", image.id().text(),
                      wanted.name.empty() ? image.id().text() : familiar_name(wanted.name));
  JsonStream stream(request);
  Value line = Value::object();
  line.set("status", image.id().text());
  stream.write(line);
  return stream.finish({});
}

Result<void> feed_body(Request& request, Fd pipe, std::stop_source& broken) {
  std::vector<std::byte> buffer(65536);
  while (true) {
    Result<std::size_t> size = request.connection().read_some(buffer);
    if (!size.ok()) {
      // Before the end of the pipe can be taken for the end of the body.
      broken.request_stop();
      return std::move(size).error();
    }
    if (size.value() == 0) return {};
    // A reader that stops early has its reasons, and says them.
    if (!file::write_all(pipe, ByteSpan(buffer).first(size.value())).ok()) return {};
  }
}

void add_image_making(Routes& routes) { routes.push_back({"POST", "/commit", commit}); }

}  // namespace proa::api::docker
