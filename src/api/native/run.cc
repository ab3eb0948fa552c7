// POST /proa/v1/run: create, attach and start in one request.
#include "api/docker/body/config_body.h"
#include "api/docker/containers/create.h"
#include "api/docker/streams.h"
#include "api/native/native.h"
#include "api/route/shape.h"
#include "api/services.h"
#include "engine/make_spec.h"
#include "kernel/file/duplicate.h"
#include "kernel/file/file.h"
#include "kernel/socket/unix_stream.h"

namespace proa::api::native {
namespace {

using json::Value;

struct AttachBody {
  bool input = false, output = false, error = false;
  std::string detach_keys;
};

// Nothing where the client does not attach.
Result<std::optional<AttachBody>> read_attach(const json::Reader& body) {
  const auto part = body.find("Attach");
  if (!part) return std::optional<AttachBody>();
  AttachBody attach;
  TRY(part->members());
  ShapeReader visit(*part);
  visit("Stdin", attach.input);
  visit("Stdout", attach.output);
  visit("Stderr", attach.error);
  visit("DetachKeys", attach.detach_keys);
  TRY(visit.take());
  return std::optional<AttachBody>(std::move(attach));
}

// A frame of kind 16: how it ended, for a client that waits for nothing else.
std::string end_frame(int code, std::string_view error) {
  constexpr std::uint8_t kEnd = 16;
  Value report = Value::object();
  report.set("ExitCode", code);
  report.set("Error", error);
  return docker::frame(static_cast<docker::StreamKind>(kEnd), json::print(report));
}

Result<void> run_attached(Services& services, Request& request, const engine::Created& created,
                          const AttachBody& attach) {
  const engine::Workload workload = TRY(services.engine.inspect(created.id));
  wire::Attachment wanted{.input = attach.input && workload.config.open_input,
                          .output = attach.output,
                          .error = attach.error,
                          .framed = true,
                          // A terminal outlives whoever sat at it.
                          .keep_input = !workload.config.input_once || workload.config.terminal,
                          .report_end = true};
  const std::string keys = TRY(docker::parse_detach_keys(attach.detach_keys));
  if (workload.config.terminal) wanted.detach_keys = keys;
  http::Headers headers = request.headers("application/vnd.docker.multiplexed-stream");
  headers.add("Proa-Workload", workload.id);
  for (const std::string& warning : created.warnings) headers.add("Proa-Warning", warning);
  http::Hijacked hijacked = TRY(request.connection().hijack(headers));
  wanted.early_input = std::move(hijacked.already_read);
  const Fd last_word = TRY(file::duplicate(hijacked.socket));
  TRY(services.engine.attach(workload.id, {std::move(hijacked.socket), std::move(wanted)}));
  const Result<void> started = services.engine.start(workload.id);
  if (started.ok()) return {};
  const int code = engine::start_failure_code(started.error());
  docker::remove_after_failure(services.engine, workload);
  TRY(file::write_all(last_word, bytes_of(end_frame(code, started.error().message()))));
  socket::shut_down_sending(last_word);  // the shim may hold it open for a while
  return {};
}

Result<void> run(Services& services, Request& request) {
  const Value document = TRY(request.body());
  const auto attach = TRY(read_attach(json::Reader(document, "body")));
  const engine::Created created = TRY(docker::create_workload(services, request, document));
  if (attach) return run_attached(services, request, created, *attach);
  const engine::Workload workload = TRY(services.engine.inspect(created.id));
  const Result<void> started = services.engine.start(created.id);
  if (!started.ok()) {
    docker::remove_after_failure(services.engine, workload);
    return docker::reply_start_error(request, started.error());
  }
  return request.reply(201, docker::print_created(created));
}

}  // namespace

void add_run(Routes& routes) { routes.push_back({"POST", "/proa/v1/run", run}); }

}  // namespace proa::api::native
