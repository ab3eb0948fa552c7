// start, stop, restart, kill, rm, pause, unpause, wait, rename, update, prune.
#include "apps/cli/container/commands.h"
#include "apps/cli/container/foreground.h"
#include "apps/cli/system/prune.h"
#include "base/text.h"
#include "client/spec/container_body.h"
#include "client/spec/container_flags.h"
#include "client/spec/settings.h"

namespace proa::cli {
namespace {

using client::Flag;
using client::Request;
using json::Value;

constexpr auto kBoolean = Flag::Kind::boolean;
constexpr auto kText = Flag::Kind::text;
constexpr auto kInteger = Flag::Kind::integer;

Result<void> post(Call& call, const std::string& name, std::string_view verb) {
  client::Client* engine = TRY(call.engine());
  TRY(engine->call(Request("POST", container_path(name, verb))));
  return {};
}

// stop and restart: with the time and signal that were asked for.
Result<void> post_ending(Call& call, const std::string& name, std::string_view verb) {
  client::Client* engine = TRY(call.engine());
  Request request("POST", container_path(name, verb));
  const client::Flags& flags = call.flags();
  for (const char* flag : {"timeout", "time"}) {
    if (const auto seconds = flags.integer(flag)) request.query("t", cat(*seconds));
  }
  if (flags.given("signal")) request.query("signal", flags.text("signal"));
  TRY(engine->call(request));
  return {};
}

Result<int> do_stop(Call& call) {
  return for_each_argument(
      call, [](Call& each, const std::string& name) { return post_ending(each, name, "/stop"); });
}

Result<int> do_restart(Call& call) {
  return for_each_argument(call, [](Call& each, const std::string& name) {
    return post_ending(each, name, "/restart");
  });
}

Result<int> do_kill(Call& call) {
  return for_each_argument(call, [](Call& each, const std::string& name) -> Result<void> {
    client::Client* engine = TRY(each.engine());
    Request request("POST", container_path(name, "/kill"));
    request.query("signal", each.flags().given("signal") ? each.flags().text("signal") : "KILL");
    TRY(engine->call(request));
    return {};
  });
}

Result<int> do_remove(Call& call) {
  return for_each_argument(call, [](Call& each, const std::string& name) -> Result<void> {
    client::Client* engine = TRY(each.engine());
    Request request("DELETE", container_path(name.starts_with('/') ? name.substr(1) : name, ""));
    if (each.flags().is("force")) request.query("force", "1");
    if (each.flags().is("volumes")) request.query("v", "1");
    if (each.flags().is("link")) request.query("link", "1");
    TRY(engine->call(request));
    return {};
  });
}

Result<int> do_pause(Call& call) {
  return for_each_argument(
      call, [](Call& each, const std::string& name) { return post(each, name, "/pause"); });
}

Result<int> do_unpause(Call& call) {
  return for_each_argument(
      call, [](Call& each, const std::string& name) { return post(each, name, "/unpause"); });
}

Result<int> do_wait(Call& call) {
  client::Client* engine = TRY(call.engine());
  int code = 0;
  for (const std::string& name : call.arguments()) {
    const auto ended = engine->call_json(Request("POST", container_path(name, "/wait")));
    if (ended.ok()) {
      TRY(print(cat(number_at(ended.value(), "StatusCode"), "\n")));
    } else {
      print_error(ended.error().message());
      code = 1;
    }
  }
  return code;
}

Result<int> do_rename(Call& call) {
  client::Client* engine = TRY(call.engine());
  Request request("POST", container_path(call.argument(0), "/rename"));
  request.query("name", call.argument(1));
  TRY(engine->call(request));
  return 0;
}

Result<int> do_update(Call& call) {
  const Value body = TRY(client::limits_body(call.flags()));
  if (body.get_if<Value::Object>()->empty()) {
    return fail(ErrorKind::invalid_argument,
                "you must provide one or more flags when using this "
                "command");
  }
  client::Client* engine = TRY(call.engine());
  int code = 0;
  for (const std::string& name : call.arguments()) {
    Request request("POST", container_path(name, "/update"));
    request.body(body);
    const auto updated = engine->call_json(request);
    if (!updated.ok()) {
      print_error(updated.error().message());
      code = 1;
      continue;
    }
    for (const Value& warning : list_at(updated.value(), "Warnings")) {
      if (const auto* text = warning.get_if<std::string>()) print_error(cat("WARNING: ", *text));
    }
    TRY(print(cat(name, "\n")));
  }
  return code;
}

// start -a or -i: one container, whose streams become ours.
Result<int> start_attached(Call& call) {
  if (call.arguments().size() > 1) {
    return fail(ErrorKind::invalid_argument,
                "you cannot start and attach multiple containers at "
                "once");
  }
  client::Client* engine = TRY(call.engine());
  const Value shown =
      TRY(engine->call_json(Request("GET", container_path(call.argument(0), "/json"))));
  const std::string id = text_at(shown, "Id");
  const Value& config = member_at(shown, "Config");
  const bool terminal = flag_at(config, "Tty");
  const bool input = call.flags().is("interactive") && flag_at(config, "OpenStdin");
  Foreground foreground = TRY(
      Foreground::prepare(call, {.terminal = terminal,
                                 .input = input,
                                 .pass_signals = call.flags().is("sig-proxy", true) && !terminal,
                                 .detach_keys = detach_keys_of(call)}));
  Request attach("POST", container_path(id, "/attach"));
  attach.query("stream", "1").query("stdout", "1").query("stderr", "1");
  if (input) attach.query("stdin", "1");
  attach.query("detachKeys", detach_keys_of(call));
  client::Upgrade upgrade = TRY(engine->upgrade(std::move(attach)));
  const bool removed = flag_at(member_at(shown, "HostConfig"), "AutoRemove");
  Request wait("POST", container_path(id, "/wait"));
  wait.query("condition", removed ? "removed" : "next-exit");
  client::Connection waiting = TRY(engine->open(wait));
  TRY(engine->call(Request("POST", container_path(id, "/start"))));
  const client::SessionEnd end =
      TRY(foreground.follow(std::move(upgrade.stream), {container_path(id, "/kill"),
                                                        container_path(id, "/resize"), terminal}));
  if (end == client::SessionEnd::detached) return 0;
  const std::string text = TRY(waiting.text());
  const Value report = TRY(json::parse(text, "the engine's answer"));
  return static_cast<int>(number_at(report, "StatusCode"));
}

Result<int> do_start(Call& call) {
  if (call.flags().is("attach") || call.flags().is("interactive")) return start_attached(call);
  return for_each_argument(
      call, [](Call& each, const std::string& name) { return post(each, name, "/start"); });
}

Result<int> do_prune(Call& call) {
  return prune(call, {.path = "/containers/prune",
                      .what = "all stopped containers",
                      .list = "ContainersDeleted",
                      .title = "Deleted Containers:"});
}

constexpr Flag kStartFlags[] = {
    {'a', "attach", kBoolean, "", "Show its output, pass signals on, and give its exit code"},
    {'\0', "detach-keys", kText, "keys", "Keys that leave it running (ctrl-p,ctrl-q)"},
    {'i', "interactive", kBoolean, "", "Pass standard input on to it"},
    {'\0', "sig-proxy", kBoolean, "", "Pass signals on to it (the default with -a)"},
};
constexpr Flag kEndFlags[] = {
    {'s', "signal", kText, "signal", "Signal to ask with, instead of its own"},
    {'t', "timeout", kInteger, "seconds", "Time before it is killed (-1: never)"},
    {'\0', "time", kInteger, "seconds", "Same as --timeout"},
};
constexpr Flag kKillFlags[] = {{'s', "signal", kText, "signal", "Signal to send (KILL)"}};
constexpr Flag kRemoveFlags[] = {
    {'f', "force", kBoolean, "", "Kill it where it runs"},
    {'l', "link", kBoolean, "", "Remove a link, not the container"},
    {'v', "volumes", kBoolean, "", "Remove its anonymous volumes too"},
};

constexpr std::string_view kContainers = "CONTAINER [CONTAINER...]";

}  // namespace

const Command kStart = {.name = "start",
                        .arguments = kContainers,
                        .brief = "Start stopped containers",
                        .least = 1,
                        .flags = kStartFlags,
                        .run = do_start,
                        .completes = "container"};
const Command kStop = {.name = "stop",
                       .arguments = kContainers,
                       .brief = "Stop running containers",
                       .least = 1,
                       .flags = kEndFlags,
                       .run = do_stop,
                       .more = "Each is asked by its stop signal and killed when its time is up.\n",
                       .completes = "running"};
const Command kRestart = {.name = "restart",
                          .arguments = kContainers,
                          .brief = "Stop and start containers",
                          .least = 1,
                          .flags = kEndFlags,
                          .run = do_restart,
                          .completes = "container"};
const Command kKill = {.name = "kill",
                       .arguments = kContainers,
                       .brief = "Send a signal to running containers",
                       .least = 1,
                       .flags = kKillFlags,
                       .run = do_kill,
                       .completes = "running"};
const Command kRemove = {.name = "rm",
                         .arguments = kContainers,
                         .brief = "Remove containers",
                         .least = 1,
                         .flags = kRemoveFlags,
                         .run = do_remove,
                         .completes = "container"};
const Command kPause = {.name = "pause",
                        .arguments = kContainers,
                        .brief = "Hold all processes of containers",
                        .least = 1,
                        .flags = {},
                        .run = do_pause,
                        .completes = "running"};
const Command kUnpause = {.name = "unpause",
                          .arguments = kContainers,
                          .brief = "Let paused containers go on",
                          .least = 1,
                          .flags = {},
                          .run = do_unpause,
                          .completes = "container"};
const Command kWait = {.name = "wait",
                       .arguments = kContainers,
                       .brief = "Wait until containers end, and print their exit codes",
                       .least = 1,
                       .flags = {},
                       .run = do_wait,
                       .completes = "container"};
const Command kRename = {.name = "rename",
                         .arguments = "CONTAINER NEW_NAME",
                         .brief = "Rename a container",
                         .least = 2,
                         .most = 2,
                         .flags = {},
                         .run = do_rename,
                         .completes = "container"};
const Command kUpdate = {.name = "update",
                         .arguments = kContainers,
                         .brief = "Change the limits of containers",
                         .least = 1,
                         .flags = {},
                         .run = do_update,
                         .shared_flags = client::limit_flags,
                         .completes = "container"};
const Command kContainerPrune = {.name = "prune",
                                 .arguments = "",
                                 .brief = "Remove all stopped containers",
                                 .most = 0,
                                 .flags = kPruneFlags,
                                 .run = do_prune};

}  // namespace proa::cli
