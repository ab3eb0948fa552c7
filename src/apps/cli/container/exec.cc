// exec and attach.
#include "apps/cli/container/commands.h"
#include "apps/cli/container/foreground.h"
#include "base/text.h"
#include "client/spec/settings.h"

namespace proa::cli {
namespace {

using client::Flag;
using client::Request;
using json::Value;

constexpr auto kBoolean = Flag::Kind::boolean;
constexpr auto kText = Flag::Kind::text;
constexpr auto kList = Flag::Kind::list;

Result<Value> exec_body(const Call& call) {
  const client::Flags& flags = call.flags();
  const bool detached = flags.is("detach");
  Value body = Value::object();
  const std::vector<std::string> command(call.arguments().begin() + 1, call.arguments().end());
  body.set("Cmd", Value(command));
  body.set("Tty", flags.is("tty"));
  body.set("AttachStdin", flags.is("interactive") && !detached);
  body.set("AttachStdout", !detached);
  body.set("AttachStderr", !detached);
  body.set("Privileged", flags.is("privileged"));
  body.set("DetachKeys", detach_keys_of(call));
  if (flags.given("user")) body.set("User", flags.text("user"));
  if (flags.given("workdir")) body.set("WorkingDir", flags.text("workdir"));
  const std::vector<std::string> environment =
      TRY(client::gather_environment(flags.list("env-file"), flags.list("env")));
  if (!environment.empty()) body.set("Env", environment);
  if (flags.is("tty")) {
    if (const auto size = process::window_size(FdRef(1))) {
      Value pair = Value::array();
      pair.push(size->rows);
      pair.push(size->columns);
      body.set("ConsoleSize", std::move(pair));
    }
  }
  return body;
}

Result<int> do_exec(Call& call) {
  const Value body = TRY(exec_body(call));
  client::Client* engine = TRY(call.engine());
  const bool terminal = flag_at(body, "Tty");
  Foreground foreground =
      TRY(Foreground::prepare(call, {.terminal = terminal && !call.flags().is("detach"),
                                     .input = flag_at(body, "AttachStdin"),
                                     .detach_keys = detach_keys_of(call)}));
  Request creation("POST", container_path(call.argument(0), "/exec"));
  creation.body(body);
  const Value created = TRY(engine->call_json(creation));
  const std::string path = cat("/exec/", text_at(created, "Id"));
  Value start = Value::object();
  start.set("Detach", call.flags().is("detach"));
  start.set("Tty", terminal);
  if (const Value* size = body.find("ConsoleSize")) start.set("ConsoleSize", *size);
  Request request("POST", path + "/start");
  request.body(start);
  if (call.flags().is("detach")) {
    TRY(engine->call(request));
    return 0;
  }
  client::Upgrade upgrade = TRY(engine->upgrade(std::move(request)));
  const client::SessionEnd end =
      TRY(foreground.follow(std::move(upgrade.stream), {"", path + "/resize", terminal}));
  if (end == client::SessionEnd::detached) return 0;
  const Value ended = TRY(engine->call_json(Request("GET", path + "/json")));
  return static_cast<int>(number_at(ended, "ExitCode"));
}

Result<int> do_attach(Call& call) {
  client::Client* engine = TRY(call.engine());
  const Value shown =
      TRY(engine->call_json(Request("GET", container_path(call.argument(0), "/json"))));
  const Value& state = member_at(shown, "State");
  if (!flag_at(state, "Running")) {
    return fail(ErrorKind::busy, "you cannot attach to a stopped container, start it first");
  }
  if (flag_at(state, "Paused")) {
    return fail(ErrorKind::busy, "you cannot attach to a paused container, unpause it first");
  }
  if (flag_at(state, "Restarting")) {
    return fail(ErrorKind::busy,
                "you cannot attach to a restarting container, wait until it is "
                "running");
  }
  const std::string id = text_at(shown, "Id");
  const Value& config = member_at(shown, "Config");
  const bool terminal = flag_at(config, "Tty");
  const bool input = !call.flags().is("no-stdin") && flag_at(config, "OpenStdin");
  Foreground foreground = TRY(
      Foreground::prepare(call, {.terminal = terminal,
                                 .input = input,
                                 .pass_signals = call.flags().is("sig-proxy", true) && !terminal,
                                 .detach_keys = detach_keys_of(call)}));
  Request wait("POST", container_path(id, "/wait"));
  client::Connection waiting = TRY(engine->open(wait));
  Request attach("POST", container_path(id, "/attach"));
  attach.query("stream", "1").query("stdout", "1").query("stderr", "1");
  if (input) attach.query("stdin", "1");
  attach.query("detachKeys", detach_keys_of(call));
  client::Upgrade upgrade = TRY(engine->upgrade(std::move(attach)));
  const client::SessionEnd end =
      TRY(foreground.follow(std::move(upgrade.stream), {container_path(id, "/kill"),
                                                        container_path(id, "/resize"), terminal}));
  if (end == client::SessionEnd::detached) return 0;
  const std::string text = TRY(waiting.text());
  const Value report = TRY(json::parse(text, "the engine's answer"));
  return static_cast<int>(number_at(report, "StatusCode"));
}

constexpr Flag kExecFlags[] = {
    {'d', "detach", kBoolean, "", "Run it in the background"},
    {'\0', "detach-keys", kText, "keys", "Keys that leave it running (ctrl-p,ctrl-q)"},
    {'e', "env", kList, "name[=value]", "Set a variable"},
    {'\0', "env-file", kList, "file", "Set variables from a file", "file"},
    {'i', "interactive", kBoolean, "", "Pass standard input on to it"},
    {'\0', "privileged", kBoolean, "", "Take all protection of the command away"},
    {'t', "tty", kBoolean, "", "Give it a terminal"},
    {'u', "user", kText, "user[:group]", "Run it as this user"},
    {'w', "workdir", kText, "path", "Directory it starts in"},
};
constexpr Flag kAttachFlags[] = {
    {'\0', "detach-keys", kText, "keys", "Keys that leave it running (ctrl-p,ctrl-q)"},
    {'\0', "no-stdin", kBoolean, "", "Do not pass standard input on"},
    {'\0', "sig-proxy", kBoolean, "", "Pass signals on to it (the default)"},
};

}  // namespace

const Command kExec = {.name = "exec",
                       .arguments = "CONTAINER COMMAND [ARG...]",
                       .brief = "Run a command in a running container",
                       .least = 2,
                       .flags = kExecFlags,
                       .run = do_exec,
                       .interspersed = client::Interspersed::no,
                       .more = "Example:\n  proa exec -it web sh\n",
                       .completes = "running"};
const Command kAttach = {.name = "attach",
                         .arguments = "CONTAINER",
                         .brief = "Connect to the streams of a running container",
                         .least = 1,
                         .most = 1,
                         .flags = kAttachFlags,
                         .run = do_attach,
                         .completes = "running"};

}  // namespace proa::cli
