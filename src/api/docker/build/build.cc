// POST /build and /build/prune: Docker's classic builder by its API, with the whole language of
// today's Dockerfiles behind it.
//
// Spec: docs/differences.md, "Builds", for what is refused
#include <map>
#include <mutex>

#include "api/docker/filters.h"
#include "api/docker/resources.h"
#include "api/route/client_watch.h"
#include "api/route/json_stream.h"
#include "api/services.h"
#include "base/text.h"
#include "build/run/builder.h"

namespace proa::api::docker {
namespace {

using json::Value;

Result<std::map<std::string, std::string>> map_of(const Request& request, std::string_view key) {
  std::map<std::string, std::string> map;
  const std::string text = request.text(key);
  if (text.empty()) return map;
  const Value document = TRY(json::parse(text, key));
  const auto members = TRY(json::Reader(document, key).members());
  for (const auto& [name, value] : members) {
    // A build argument without a value takes the client's own variable, which it did not have.
    if (value.value().is_null()) continue;
    map[std::string(name)] = TRY(value.string());
  }
  return map;
}

Result<build::Request> read_request(const Request& request) {
  for (const char* key : {"remote", "outputs", "session"}) {
    if (!request.text(key).empty()) {
      return fail(ErrorKind::unsupported, "query parameter '", key, "' is not supported");
    }
  }
  if (request.text("version") == "2") {
    return fail(ErrorKind::unsupported, "builds by a BuildKit session are not supported");
  }
  build::Request out;
  if (request.has("dockerfile")) out.dockerfile_name = request.text("dockerfile");
  if (out.dockerfile_name.empty()) out.dockerfile_name = "Dockerfile";
  out.tags = request.head().query.all("t");
  std::erase(out.tags, "");
  out.arguments = TRY(map_of(request, "buildargs"));
  out.labels = TRY(map_of(request, "labels"));
  out.target = request.text("target");
  out.platform = request.text("platform");
  out.network = request.text("networkmode");
  out.no_cache = request.flag("nocache");
  out.pull = request.flag("pull");
  const auto shm = TRY(request.number<std::uint64_t>("shmsize"));
  if (shm && *shm > 0) out.shm_size = *shm;
  const auto memory = TRY(request.number<std::uint64_t>("memory"));
  if (memory) out.memory = *memory;
  for (const std::string& text : request.head().query.all("extrahosts")) {
    for (const std::string_view entry : split(text, ',')) out.extra_hosts.emplace_back(entry);
  }
  const auto date = out.arguments.find("SOURCE_DATE_EPOCH");
  if (date != out.arguments.end()) {
    out.source_date = TRY(parse_number<std::int64_t>(date->second), "SOURCE_DATE_EPOCH");
  }
  return out;
}

// A build's events as the lines of text that docker's builder writes.
class StreamedEvents {
 public:
  StreamedEvents(JsonStream& stream, bool quiet) : stream_(stream), quiet_(quiet) {}

  void operator()(const build::Event& event) {
    if (quiet_) return;
    switch (event.kind) {
      case build::EventKind::started:
        return line(cat("Step ", event.step, " : ", event.text, "\n"));
      case build::EventKind::cached:
        return line(" ---> Using cache\n");
      case build::EventKind::output:
        return line(event.text);
      case build::EventKind::note:
        return line(cat(event.text, "\n"));
      case build::EventKind::done:
      case build::EventKind::failed:
        return;
    }
  }

  void line(std::string_view text) {
    Value value = Value::object();
    value.set("stream", text);
    stream_.write(value);
  }

 private:
  JsonStream& stream_;
  bool quiet_;
};

void write_failure(JsonStream& stream, const Error& error, int code) {
  Value detail = Value::object();
  detail.set("code", code);
  detail.set("message", error.message());
  Value value = Value::object();
  value.set("errorDetail", std::move(detail));
  value.set("error", error.message());
  stream.write(value);
}

// The client need not wait for what only the disk wants.
Result<void> finish(Services& services, JsonStream& stream) {
  TRY(stream.finish({}));
  return services.builder.cache().keep_within_limit();
}

Result<void> build_image(Services& services, Request& request) {
  const build::Request wanted = TRY(read_request(request));
  const bool quiet = request.flag("q");
  JsonStream stream(request);
  StreamedEvents events(stream, quiet);
  int code = 1;
  const ClientWatch watch(request.connection(), [&] { stream.client_gone(); });
  const build::ContextTar context{
      [&](MutableByteSpan buffer) { return request.connection().read_some(buffer); }};
  const Result<build::Built> built =
      services.builder.build(wanted, context, std::ref(events), stream.stop(), code);
  if (!built.ok()) {
    const ErrorKind kind = built.error().kind();
    if (!request.connection().answered() && kind == ErrorKind::invalid_argument)
      return built.error();
    write_failure(stream, built.error(), code);
    return finish(services, stream);
  }
  Value id = Value::object();
  id.set("ID", built.value().id.text());
  Value aux = Value::object();
  aux.set("aux", std::move(id));
  stream.write(aux);
  if (quiet) {
    events.line(cat(built.value().id.text(), "\n"));
  } else {
    events.line(cat("Successfully built ", built.value().id.hex().substr(0, 12), "\n"));
    for (const std::string& tag : wanted.tags) {
      const std::size_t slash = tag.rfind('/');
      const bool tagged =
          tag.find(':', slash == std::string::npos ? 0 : slash) != std::string::npos;
      events.line(cat("Successfully tagged ", tag, tagged ? "\n" : ":latest\n"));
    }
  }
  return finish(services, stream);
}

Result<void> prune(Services& services, Request& request) {
  const engine::Filters filters = TRY(request.filters());
  TRY(check_filters(filters, {"until"}));
  build::PruneRequest wanted;
  wanted.unused_since = TRY(until_filter(filters));
  // Newer clients call it otherwise.
  for (const char* key : {"keep-storage", "reserved-space"}) {
    const auto keep = TRY(request.number<std::uint64_t>(key));
    if (keep) wanted.keep_bytes = std::max(wanted.keep_bytes, *keep);
  }
  const build::Pruned pruned = TRY(services.builder.cache().prune(wanted));
  Value answer = Value::object();
  answer.set("CachesDeleted", pruned.removed);
  answer.set("SpaceReclaimed", pruned.bytes);
  return request.reply(200, answer);
}

}  // namespace

void add_builds(Routes& routes) {
  routes.insert(routes.end(), {
                                  {"POST", "/build", build_image},
                                  {"POST", "/build/prune", prune},
                              });
}

}  // namespace proa::api::docker
