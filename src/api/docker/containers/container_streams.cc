// A container's streams: attach, logs, wait, and the size of its terminal.
#include "api/docker/resources.h"
#include "api/docker/streams.h"
#include "api/services.h"
#include "base/time.h"
#include "kernel/file/file.h"

namespace proa::api::docker {
namespace {

using engine::Phase;
using engine::Workload;
using json::Value;

constexpr std::chrono::milliseconds kLookForClient{1000};
constexpr std::chrono::milliseconds kLookForEnd{100};
// Of a log's replay in front of an attached stream.
constexpr std::size_t kLargestReplay = std::size_t{4} << 20;

std::string log_piece(const engine::LogLine& line, bool terminal, bool timestamps) {
  const std::string text =
      timestamps ? cat(to_rfc3339(Moment(std::chrono::nanoseconds(line.moment))), " ", line.text)
                 : line.text;
  if (terminal) return text;
  return frame(line.error ? StreamKind::error : StreamKind::output, text);
}

// The log so far, as the stream of an attached client begins with it.
Result<std::string> replay(engine::Engine& engine, const Workload& workload,
                           const wire::Attachment& wanted) {
  const auto reader = TRY(
      engine.logs(workload.id, {.output = wanted.output, .error = wanted.error, .follow = false}));
  std::string text;
  while (true) {
    const auto line = TRY(reader->next(std::chrono::milliseconds(0)));
    if (!line || text.size() > kLargestReplay) return text;
    text.append(log_piece(*line, workload.config.terminal, false));
  }
}

Result<void> attach(Services& services, Request& request) {
  const Workload workload = TRY(services.engine.inspect(request.name("id")));
  const bool terminal = workload.config.terminal;
  wire::Attachment wanted{.input = request.flag("stdin") && workload.config.open_input,
                          .output = request.flag("stdout"),
                          .error = request.flag("stderr"),
                          .framed = !terminal};
  const std::string keys =
      TRY(parse_detach_keys(request.text("detachKeys")), "query parameter 'detachKeys'");
  if (terminal) wanted.detach_keys = keys;
  // A terminal outlives whoever sat at it.
  wanted.keep_input = !workload.config.input_once || workload.config.terminal;
  if (workload.state.phase == Phase::paused) {
    return fail(ErrorKind::busy, "container ", workload.id,
                " is paused, unpause the container before attach");
  }
  if (workload.state.phase == Phase::restarting) {
    return fail(ErrorKind::busy, "container ", workload.id,
                " is restarting, wait until the container is running");
  }
  if (request.flag("logs")) wanted.early_output = TRY(replay(services.engine, workload, wanted));
  TRY(drop_body(request));
  http::Hijacked hijacked =
      TRY(request.connection().hijack(request.headers(stream_type(terminal, request.version()))));
  if (!wanted.early_output.empty()) wait_until_read(hijacked.socket);
  if (!request.flag("stream")) {
    // Only what was said so far.
    return file::write_all(hijacked.socket, bytes_of(wanted.early_output));
  }
  wanted.early_input = std::move(hijacked.already_read);
  return services.engine.attach(workload.id, {std::move(hijacked.socket), std::move(wanted)});
}

Result<engine::LogQuery> log_query(const Request& request) {
  engine::LogQuery query{.output = request.flag("stdout"),
                         .error = request.flag("stderr"),
                         .follow = request.flag("follow")};
  if (!query.output && !query.error) {
    return fail(ErrorKind::invalid_argument, "Bad parameters: you must choose at least one stream");
  }
  query.since = TRY(request.moment("since")).value_or(0);
  query.until = TRY(request.moment("until")).value_or(0);
  // Docker takes what is no number for "all".
  const Result<std::uint64_t> tail = parse_number<std::uint64_t>(request.text("tail"));
  if (tail.ok()) query.tail = tail.value();
  return query;
}

Result<void> logs(Services& services, Request& request) {
  const engine::LogQuery query = TRY(log_query(request));
  const Workload workload = TRY(services.engine.inspect(request.name("id")));
  const auto reader = TRY(services.engine.logs(workload.id, query));
  const bool terminal = workload.config.terminal;
  const bool timestamps = request.flag("timestamps");
  http::Connection& connection = request.connection();
  TRY(connection.begin_chunks(200, request.headers(stream_type(terminal, request.version()))));
  if (query.tail == std::uint64_t{0} && !query.follow) return connection.end_chunks();
  while (true) {
    // The state before the log: what was said before the end is read before the end is believed.
    const Result<Workload> now = services.engine.inspect(workload.id);
    if (!now.ok() || !is_up(now.value().state.phase)) reader->stop_following();
    std::string pieces;
    while (pieces.size() < 65536) {
      const auto line =
          TRY(reader->next(pieces.empty() ? kLookForEnd : std::chrono::milliseconds(0)));
      if (!line) break;
      pieces.append(log_piece(*line, terminal, timestamps));
    }
    TRY(connection.write_chunk(bytes_of(pieces)));
    if (pieces.empty() && (reader->finished() || connection.client_closed())) break;
  }
  return connection.end_chunks();
}

Result<engine::WaitFor> wait_condition(const Request& request) {
  const std::string text = request.text("condition");
  if (text.empty() || text == "not-running") return engine::WaitFor::not_running;
  if (text == "next-exit") return engine::WaitFor::next_exit;
  if (text == "removed") return engine::WaitFor::removed;
  return fail(ErrorKind::invalid_argument, "invalid condition: \"", printable(text), "\"");
}

Result<void> wait(Services& services, Request& request) {
  const engine::WaitFor condition = TRY(wait_condition(request));
  const auto waiter = TRY(services.engine.wait(request.name("id"), condition));
  // The head at once: clients wait for it before they start the container.
  http::Connection& connection = request.connection();
  TRY(connection.begin_chunks(200, request.headers("application/json")));
  Value answer = Value::object();
  while (true) {
    const Result<wire::Ending> ended = waiter->wait(kLookForClient);
    if (ended.ok()) {
      answer.set("StatusCode", ended.value().shell_code());
      if (!ended.value().failure.empty()) {
        Value error = Value::object();
        error.set("Message", ended.value().failure);
        answer.set("Error", std::move(error));
      }
      break;
    }
    if (ended.error().kind() != ErrorKind::timeout) {
      Value error = Value::object();
      error.set("Message", ended.error().message());
      answer.set("StatusCode", -1);
      answer.set("Error", std::move(error));
      break;
    }
    if (connection.client_closed()) return {};
  }
  TRY(connection.write_chunk(bytes_of(json::print(answer).append("\n"))));
  return connection.end_chunks();
}

Result<void> resize(Services& services, Request& request) {
  const wire::WindowSize size = TRY(window_size(request));
  const Workload workload = TRY(services.engine.inspect(request.name("id")));
  // One that is starting takes it, too.
  const Result<void> told = services.engine.resize(workload.id, size);
  if (!told.ok() && !is_up(workload.state.phase)) {
    return fail(ErrorKind::busy, "Container ", workload.id, " is not running");
  }
  TRY(Result<void>(told));
  return request.reply(200);
}

Result<void> attach_websocket(Services&, Request&) {
  return fail(ErrorKind::unsupported, "attaching by websocket is not supported: use POST attach");
}

}  // namespace

void add_container_streams(Routes& routes) {
  routes.insert(routes.end(), {
                                  {"POST", "/containers/{id}/attach", attach},
                                  {"GET", "/containers/{id}/attach/ws", attach_websocket},
                                  {"GET", "/containers/{id}/logs", logs},
                                  {"POST", "/containers/{id}/wait", wait},
                                  {"POST", "/containers/{id}/resize", resize},
                              });
}

}  // namespace proa::api::docker
