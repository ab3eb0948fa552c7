// POST /proa/v1/build: builds from a directory of this host, which is read in place, or from a tar
// that is the body. The answer is one JSON object a line: events as they happen, then the end.
#include "api/native/native.h"
#include "api/route/client_watch.h"
#include "api/route/json_stream.h"
#include "api/services.h"
#include "base/text.h"
#include "build/run/builder.h"

namespace proa::api::native {
namespace {

using json::Value;

struct BuildBody {
  std::string directory;
  build::Request request;
};

// Takes members out of the body; the first of another shape is the error.
class BodyReader {
 public:
  explicit BodyReader(const json::Reader& reader) : reader_(reader) {}

  void operator()(const char* key, std::string& into) {
    take(key, [&](const json::Reader& found) -> Result<void> {
      into = TRY(found.string());
      return {};
    });
  }
  void operator()(const char* key, bool& into) {
    take(key, [&](const json::Reader& found) -> Result<void> {
      into = TRY(found.boolean());
      return {};
    });
  }
  void operator()(const char* key, std::uint64_t& into) {
    take(key, [&](const json::Reader& found) -> Result<void> {
      into = TRY(found.integer<std::uint64_t>());
      return {};
    });
  }
  void operator()(const char* key, std::optional<std::int64_t>& into) {
    take(key, [&](const json::Reader& found) -> Result<void> {
      into = TRY(found.integer<std::int64_t>());
      return {};
    });
  }
  void operator()(const char* key, std::optional<std::string>& into) {
    take(key, [&](const json::Reader& found) -> Result<void> {
      into = TRY(found.string());
      return {};
    });
  }
  void operator()(const char* key, std::vector<std::string>& into) {
    take(key, [&](const json::Reader& found) -> Result<void> {
      into = TRY(found.strings());
      return {};
    });
  }
  void operator()(const char* key, std::map<std::string, std::string>& into) {
    take(key, [&](const json::Reader& found) -> Result<void> {
      const auto pairs = TRY(found.string_map());
      into = {pairs.begin(), pairs.end()};
      return {};
    });
  }
  Result<void> finish() { return std::move(outcome_); }

 private:
  template <typename Take>
  void take(const char* key, Take into) {
    const auto found = reader_.find(key);
    if (found && outcome_.ok()) outcome_ = into(*found);
  }

  const json::Reader& reader_;
  Result<void> outcome_;
};

Result<BuildBody> read_body(const Value& document) {
  const json::Reader reader(document, "body");
  BuildBody body;
  build::Request& request = body.request;
  BodyReader visit(reader);
  visit("Directory", body.directory);
  visit("DockerfileName", request.dockerfile_name);
  visit("Dockerfile", request.dockerfile);
  visit("Target", request.target);
  visit("Network", request.network);
  visit("Platform", request.platform);
  visit("NoCache", request.no_cache);
  visit("Pull", request.pull);
  visit("Tags", request.tags);
  visit("ExtraHosts", request.extra_hosts);
  visit("Arguments", request.arguments);
  visit("Labels", request.labels);
  visit("Secrets", request.secrets);
  visit("ShmSize", request.shm_size);
  visit("Memory", request.memory);
  visit("SourceDate", request.source_date);
  visit("Allow", request.allowed);
  TRY(visit.finish());
  for (const std::string& right : request.allowed) {
    if (right == build::kInsecureSteps || right == build::kHostNetworkSteps) continue;
    return fail(ErrorKind::invalid_argument, "body: Allow: '", printable(right, 60),
                "' is neither ", build::kInsecureSteps, " nor ", build::kHostNetworkSteps);
  }
  return body;
}

const char* name_of(build::EventKind kind) {
  switch (kind) {
    case build::EventKind::started:
      return "started";
    case build::EventKind::cached:
      return "cached";
    case build::EventKind::output:
      return "output";
    case build::EventKind::done:
      return "done";
    case build::EventKind::failed:
      return "failed";
    case build::EventKind::note:
      return "note";
  }
  return "";
}

Value event_value(const build::Event& event) {
  Value value = Value::object();
  value.set("Event", name_of(event.kind));
  value.set("Step", event.step);
  if (!event.text.empty()) value.set("Text", event.text);
  return value;
}

Value end_value(const Result<build::Built>& built, int code) {
  Value end = Value::object();
  if (built.ok()) {
    end.set("Event", "built");
    end.set("Id", built.value().id.text());
    end.set("Manifest", built.value().manifest.digest.text());
    end.set("Names", built.value().names);
  } else {
    end.set("Event", "error");
    end.set("Text", built.error().message());
    end.set("ExitCode", code);
  }
  return end;
}

// The body is a tar where the query says what to build; else the body says it.
Result<void> build_image(Services& services, Request& request) {
  const bool is_tar = request.has("request");
  const Value document =
      is_tar ? TRY(json::parse(request.text("request"), "request")) : TRY(request.body());
  const BuildBody body = TRY(read_body(document));
  build::Context context = build::NoContext();
  if (is_tar) {
    context = build::ContextTar{
        [&](MutableByteSpan buffer) { return request.connection().read_some(buffer); }};
  } else if (!body.directory.empty()) {
    if (body.directory.front() != '/') {
      return fail(ErrorKind::invalid_argument, "body: Directory: the path is not absolute");
    }
    context = build::ContextDirectory{body.directory};
  }
  JsonStream stream(request);
  int code = 1;
  const ClientWatch watch(request.connection(), [&] { stream.client_gone(); });
  const Result<build::Built> built = services.builder.build(
      body.request, context, [&](const build::Event& event) { stream.write(event_value(event)); },
      stream.stop(), code);
  stream.write(end_value(built, code));
  TRY(stream.finish({}));
  // The client need not wait for what only the disk wants.
  return services.builder.cache().keep_within_limit();
}

}  // namespace

void add_build(Routes& routes) { routes.push_back({"POST", "/proa/v1/build", build_image}); }

}  // namespace proa::api::native
