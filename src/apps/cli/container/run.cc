// run and create.
#include "apps/cli/container/run.h"

#include <fcntl.h>
#include <unistd.h>

#include "apps/cli/container/commands.h"
#include "apps/cli/container/foreground.h"
#include "apps/cli/image/pull.h"
#include "base/text.h"
#include "client/spec/container_body.h"
#include "client/spec/container_flags.h"
#include "client/stream/json_lines.h"
#include "kernel/file/file.h"

namespace proa::cli {
namespace {

using client::Flag;
using client::Request;
using json::Value;

constexpr int kFailure = 125;  // docker's, for what is not the program's own

constexpr Flag kRunFlags[] = {
    {'d', "detach", Flag::Kind::boolean, "", "Run in the background and print the id"},
    {'\0', "detach-keys", Flag::Kind::text, "keys", "Keys that leave it running (ctrl-p,ctrl-q)"},
    {'\0', "sig-proxy", Flag::Kind::boolean, "", "Pass signals on to it (the default)"},
};

Result<std::string> working_directory() {
  return file::read_link_at(FdRef::cwd(), "/proc/self/cwd");
}

Result<Value> make_body(Call& call, bool attached) {
  client::ContainerOrder order;
  order.image = call.argument(0);
  order.command.assign(call.arguments().begin() + 1, call.arguments().end());
  order.directory = TRY(working_directory());
  order.attached = attached;
  Value body = TRY(client::container_body(call.flags(), order));
  if (call.flags().is("tty")) {
    // The size it starts with; later ones come by resize.
    if (const auto size = process::window_size(FdRef(1))) {
      Value host = member_at(body, "HostConfig");
      Value pair = Value::array();
      pair.push(size->rows);
      pair.push(size->columns);
      host.set("ConsoleSize", std::move(pair));
      body.set("HostConfig", std::move(host));
    }
  }
  return body;
}

Request creation(const Call& call, std::string path) {
  Request request("POST", std::move(path));
  if (call.flags().given("name")) request.query("name", call.flags().text("name"));
  if (call.flags().given("platform")) request.query("platform", call.flags().text("platform"));
  return request;
}

Result<void> check_pull(const Call& call) {
  const std::string when = call.flags().text("pull");
  if (when.empty() || when == "always" || when == "missing" || when == "never") return {};
  return fail(ErrorKind::invalid_argument, "invalid pull option: '", printable(when),
              "': must be one of \"always\", \"missing\" or \"never\"");
}

Result<void> pull_for(Call& call) {
  PullOptions options;
  options.platform = call.flags().text("platform");
  options.quiet = call.flags().is("quiet");
  options.to_errors = true;
  client::Client* engine = TRY(call.engine());
  return pull_image(*engine, call.argument(0), options);
}

bool lacks_image(const Error& error) {
  if (error.kind() != ErrorKind::not_found) return false;
  const std::string message = to_lower(error.message());
  return message.find("no such image") != std::string::npos ||
         message.find("does not match the specified platform") != std::string::npos;
}

// Does `attempt` and, where the image is missing and may be pulled, again after a pull.
template <typename Attempt>
auto with_image(Call& call, Attempt attempt) -> decltype(attempt()) {
  const std::string when = call.flags().text("pull");
  if (when == "always") TRY(pull_for(call));
  auto first = attempt();
  if (first.ok() || !lacks_image(first.error()) || when == "never" || when == "always") {
    return first;
  }
  print_error(cat("Unable to find image '", call.argument(0), "' locally"));
  TRY(pull_for(call));
  return attempt();
}

Result<void> check_cid_file(const Call& call) {
  const std::string path = call.flags().text("cidfile");
  if (path.empty() || !file::exists(path)) return {};
  return fail(ErrorKind::already_exists, "container ID file found, make sure the other container ",
              "isn't running or delete ", path);
}

Result<void> write_cid_file(const Call& call, std::string_view id) {
  const std::string path = call.flags().text("cidfile");
  if (path.empty()) return {};
  const Fd file = TRY(file::open(path, O_WRONLY | O_CREAT | O_EXCL, 0644));
  return file::write_all(file, bytes_of(id));
}

void show_warning(std::string_view text) { print_error(cat("WARNING: ", text)); }

void show_warnings(const Value& created) {
  for (const Value& warning : list_at(created, "Warnings")) {
    if (const auto* text = warning.get_if<std::string>()) show_warning(*text);
  }
}

Result<Value> create(Call& call, const Value& body) {
  client::Client* engine = TRY(call.engine());
  Request request = creation(call, "/containers/create");
  request.body(body);
  Value created = TRY(engine->call_json(request));
  show_warnings(created);
  return created;
}

ForegroundOptions foreground_options(const Call& call, const Value& body) {
  return {.terminal = flag_at(body, "Tty"),
          .input = flag_at(body, "AttachStdin"),
          .pass_signals = call.flags().is("sig-proxy", true),
          .detach_keys = detach_keys_of(call)};
}

// How it ended, from the report of an end frame or of /wait.
Result<int> exit_code(const Value& report, std::string_view code_member) {
  const Value& error = member_at(report, "Error");
  const auto* text = error.get_if<std::string>();
  const std::string message = text != nullptr ? *text : text_at(error, "Message");
  if (!message.empty()) print_error(cat("proa: Error response from daemon: ", message));
  return static_cast<int>(number_at(report, code_member));
}

Result<int> wait_for(client::Client& engine, const std::string& id) {
  const auto ended = engine.call_json(Request("POST", container_path(id, "/wait")));
  if (ended.ok()) return exit_code(ended.value(), "StatusCode");
  return fail(ErrorKind::unavailable, "the engine closed the stream of ", id.substr(0, 12),
              " before it ended");
}

// One request does it all: an engine of ours.
Result<int> run_at_once(Call& call, Value body) {
  const Value config = body;
  Value attach = Value::object();
  for (const char* stream : {"Stdin", "Stdout", "Stderr"}) {
    attach.set(stream, flag_at(config, cat("Attach", stream)));
  }
  attach.set("DetachKeys", detach_keys_of(call));
  body.set("Attach", std::move(attach));
  client::Client* engine = TRY(call.engine());
  Foreground foreground = TRY(Foreground::prepare(call, foreground_options(call, config)));
  Request request = creation(call, "/proa/v1/run");
  request.body(body);
  client::Upgrade upgrade = TRY(engine->upgrade(std::move(request)));
  const auto workload = upgrade.head.headers.find("Proa-Workload");
  const std::string id(workload.value_or(""));
  for (const auto& [name, value] : upgrade.head.headers.fields()) {
    if (to_lower(name) == "proa-warning") show_warning(value);
  }
  TRY(write_cid_file(call, id));
  std::string report;
  const client::SessionEnd end = TRY(foreground.follow(
      std::move(upgrade.stream),
      {container_path(id, "/kill"), container_path(id, "/resize"), false}, &report));
  if (end == client::SessionEnd::detached) return 0;
  if (report.empty()) return wait_for(*engine, id);
  const Value ended = TRY(json::parse(report, "the workload's end"));
  return exit_code(ended, "ExitCode");
}

// As docker's own client does it, for an engine without /proa/v1/run.
Result<int> run_in_steps(Call& call, const Value& body) {
  const Value created = TRY(create(call, body));
  const std::string id = text_at(created, "Id");
  TRY(write_cid_file(call, id));
  client::Client* engine = TRY(call.engine());
  Foreground foreground = TRY(Foreground::prepare(call, foreground_options(call, body)));
  Request attach("POST", container_path(id, "/attach"));
  attach.query("stream", "1").query("detachKeys", detach_keys_of(call));
  for (const char* stream : {"Stdin", "Stdout", "Stderr"}) {
    if (flag_at(body, cat("Attach", stream))) attach.query(to_lower(stream), "1");
  }
  client::Upgrade upgrade = TRY(engine->upgrade(std::move(attach)));
  Request wait("POST", container_path(id, "/wait"));
  wait.query("condition", call.flags().is("rm") ? "removed" : "next-exit");
  client::Connection waiting = TRY(engine->open(wait));
  const auto started = engine->call(Request("POST", container_path(id, "/start")));
  if (!started.ok()) {
    Request removal("DELETE", container_path(id, ""));
    removal.query("force", "1").query("v", "1");
    if (call.flags().is("rm")) discard(engine->call(removal), "the first error is told");
    return Error(started.error());
  }
  const client::SessionEnd end = TRY(foreground.follow(
      std::move(upgrade.stream),
      {container_path(id, "/kill"), container_path(id, "/resize"), flag_at(body, "Tty")}));
  if (end == client::SessionEnd::detached) return 0;
  const std::string text = TRY(waiting.text());
  const Value report = TRY(json::parse(text, "the engine's answer"));
  return exit_code(report, "StatusCode");
}

Result<int> run_detached(Call& call, const Value& body) {
  client::Client* engine = TRY(call.engine());
  Request request = creation(call, "/proa/v1/run");
  request.body(body);
  Result<Value> created = engine->call_json(request);
  if (!created.ok() && lacks_route(created.error())) {
    created = TRY(create(call, body));
    const std::string id = text_at(created.value(), "Id");
    TRY(engine->call(Request("POST", container_path(id, "/start"))));
  } else {
    if (created.ok()) show_warnings(created.value());
  }
  const Value answer = TRY(std::move(created));
  TRY(write_cid_file(call, text_at(answer, "Id")));
  TRY(print(cat(text_at(answer, "Id"), "\n")));
  return 0;
}

// How the command's failures end the program: a program that is missing or cannot be run has
// codes of its own.
int code_of(const Error& error) {
  const std::string message = to_lower(error.message());
  const auto says = [&](std::string_view words) {
    return message.find(words) != std::string::npos;
  };
  if (says("executable file not found") || says("no such file or directory: unknown") ||
      says("system cannot find the file specified")) {
    return 127;
  }
  if (says("permission denied: unknown") || says("not a directory: unknown") ||
      says("is a directory: unknown")) {
    return 126;
  }
  return kFailure;
}

Result<int> explained(Result<int> ran) {
  if (ran.ok()) return ran;
  // As docker: what is wrong with our own terminal is no failure of the run.
  if (ran.error().message() == kNoTerminal) {
    print_error(kNoTerminal);
    return 1;
  }
  print_error(
      cat("proa: ", ran.error().message(), "\n\nRun 'proa run --help' for more information"));
  return code_of(ran.error());
}

Result<int> run_checked(Call& call) {
  TRY(check_pull(call));
  TRY(check_cid_file(call));
  const bool detached = call.flags().is("detach");
  const Value body = TRY(make_body(call, !detached));
  return with_image(call, [&]() -> Result<int> {
    if (detached) return run_detached(call, body);
    Result<int> ran = run_at_once(call, body);
    if (!ran.ok() && lacks_route(ran.error())) return run_in_steps(call, body);
    return ran;
  });
}

Result<int> do_run(Call& call) { return explained(run_checked(call)); }

Result<int> do_create(Call& call) {
  TRY(check_pull(call));
  TRY(check_cid_file(call));
  const Value body = TRY(make_body(call, true));
  const Value created = TRY(with_image(call, [&] { return create(call, body); }));
  TRY(write_cid_file(call, text_at(created, "Id")));
  TRY(print(cat(text_at(created, "Id"), "\n")));
  return 0;
}

constexpr std::string_view kRunMore = R"(Examples:
  proa run --rm -it debian:12 bash           a shell, gone when you leave it
  proa run -d --name web -p 8080:80 app      a service in the background
  proa run -d --runtime vm -m 512m app       the same image as a virtual machine
  proa run --rm -v "$PWD":/src -w /src gcc make

The exit code is the program's own; 125: proa could not run it, 126: the program cannot be
executed, 127: there is no such program, 128 + n: it ended by signal n.
)";

}  // namespace

bool lacks_route(const Error& error) {
  return error.kind() == ErrorKind::not_found &&
         error.message().find("page not found") != std::string::npos;
}

const Command kRun = {.name = "run",
                      .arguments = "IMAGE [COMMAND] [ARG...]",
                      .brief = "Run a command in a new container or virtual machine",
                      .least = 1,
                      .flags = kRunFlags,
                      .run = do_run,
                      .shared_flags = client::container_flags,
                      .interspersed = client::Interspersed::no,
                      .more = kRunMore,
                      .completes = "image",
                      .failure = kFailure};

const Command kCreate = {.name = "create",
                         .arguments = "IMAGE [COMMAND] [ARG...]",
                         .brief = "Make a container without starting it",
                         .least = 1,
                         .flags = {},
                         .run = do_create,
                         .shared_flags = client::container_flags,
                         .interspersed = client::Interspersed::no,
                         .completes = "image"};

}  // namespace proa::cli
