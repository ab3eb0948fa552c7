// Further programs in a running container.
#include "api/docker/body/config_body.h"
#include "api/docker/body/description.h"
#include "api/docker/resources.h"
#include "api/docker/streams.h"
#include "api/route/shape.h"
#include "api/services.h"
#include "base/base64.h"
#include "kernel/file/duplicate.h"
#include "kernel/file/file.h"
#include "kernel/socket/unix_stream.h"

namespace proa::api::docker {
namespace {

using json::Value;

Result<void> create(Services& services, Request& request) {
  const Value document = TRY(request.body());
  engine::ExecRequest exec{.attach_output = false, .attach_error = false};
  wire::Process& process = exec.process;
  const json::Reader reader(document, "body");
  TRY(check_body(reader, Body::exec));
  ShapeReader visit(reader);
  visit("AttachStdin", exec.attach_input);
  visit("AttachStdout", exec.attach_output);
  visit("AttachStderr", exec.attach_error);
  visit("DetachKeys", exec.detach_keys);
  visit("Tty", process.terminal);
  visit("Cmd", process.arguments);
  visit("Env", process.environment);
  visit("User", process.user);
  visit("Privileged", process.privileged);
  visit("WorkingDir", process.working_directory);
  TRY(visit.take());
  process.size = TRY(read_console_size(reader));
  TRY(parse_detach_keys(exec.detach_keys));
  const std::string id = TRY(services.engine.exec_create(request.name("id"), std::move(exec)));
  Value answer = Value::object();
  answer.set("Id", id);
  return request.reply(201, answer);
}

Result<void> start(Services& services, Request& request) {
  const Value document = TRY(request.body());
  bool detach = false, terminal = false;
  const json::Reader reader(document, "body");
  TRY(check_body(reader, Body::exec_start));
  ShapeReader visit(reader);
  visit("Detach", detach);
  visit("Tty", terminal);
  TRY(visit.take());
  TRY(read_console_size(reader));
  const engine::ExecState state = TRY(services.engine.exec_inspect(request.name("id")));
  if (state.started) {
    return fail(ErrorKind::busy, "exec command ", state.id, " has already run");
  }
  const engine::Workload workload = TRY(services.engine.inspect(state.workload));
  if (workload.state.phase != engine::Phase::running) {
    return fail(ErrorKind::busy, "Container ", workload.id, " is ",
                workload.state.phase == engine::Phase::paused
                    ? "paused, unpause the container before exec"
                    : "not running");
  }
  if (detach) {
    TRY(services.engine.exec_start(state.id, std::nullopt));
    return request.reply(200);
  }
  wire::Attachment wanted{.input = state.request.attach_input,
                          .output = state.request.attach_output,
                          .error = state.request.attach_error,
                          // By what start says, as Docker: not by whether there is a terminal.
                          .framed = !terminal};
  const std::string keys = TRY(parse_detach_keys(state.request.detach_keys));
  if (state.request.process.terminal) wanted.detach_keys = keys;
  http::Hijacked hijacked =
      TRY(request.connection().hijack(request.headers(stream_type(terminal, request.version()))));
  wanted.early_input = std::move(hijacked.already_read);
  const bool framed = wanted.framed;
  // For the one thing that is said here: why it did not start.
  const Fd last_word = TRY(file::duplicate(hijacked.socket));
  const Result<void> started =
      services.engine.exec_start(state.id, engine::Client{std::move(hijacked.socket), wanted});
  if (started.ok()) return {};
  const std::string text = cat(started.error().message(), "\r\n");
  TRY(file::write_all(last_word, bytes_of(framed ? frame(StreamKind::output, text) : text)));
  socket::shut_down_sending(last_word);  // the shim may hold it open for a while
  return {};
}

Result<void> resize(Services& services, Request& request) {
  const wire::WindowSize size = TRY(window_size(request));
  TRY(services.engine.exec_resize(request.name("id"), size));
  return request.reply(200);
}

Result<void> inspect(Services& services, Request& request) {
  const engine::ExecState state = TRY(services.engine.exec_inspect(request.name("id")));
  const wire::Process& process = state.request.process;
  Value config = Value::object();
  config.set("tty", process.terminal);
  config.set("entrypoint", process.arguments.empty() ? "" : process.arguments.front());
  std::vector<std::string> rest;
  if (!process.arguments.empty())
    rest.assign(process.arguments.begin() + 1, process.arguments.end());
  config.set("arguments", rest.empty() ? Value::array() : Value(rest));
  config.set("privileged", process.privileged);
  if (!process.user.empty()) config.set("user", process.user);
  Value answer = Value::object();
  answer.set("ID", state.id);
  answer.set("Running", state.running);
  answer.set("ExitCode", state.ending ? Value(state.ending->shell_code()) : Value());
  answer.set("ProcessConfig", std::move(config));
  answer.set("OpenStdin", state.request.attach_input);
  answer.set("OpenStderr", state.request.attach_error);
  answer.set("OpenStdout", state.request.attach_output);
  answer.set("CanRemove", state.ending.has_value());
  answer.set("ContainerID", state.workload);
  // Bytes, not text, to docker's clients: Go's JSON gives them in base64.
  const std::string& keys = state.request.detach_keys;
  answer.set("DetachKeys", keys.empty() ? "" : base64_encode(TRY(parse_detach_keys(keys))));
  answer.set("Pid", 0);
  return request.reply(200, answer);
}

}  // namespace

void add_execs(Routes& routes) {
  routes.insert(routes.end(), {
                                  {"POST", "/containers/{id}/exec", create},
                                  {"POST", "/exec/{id}/start", start},
                                  {"POST", "/exec/{id}/resize", resize},
                                  {"GET", "/exec/{id}/json", inspect},
                              });
}

}  // namespace proa::api::docker
