// top, port, diff, commit.
#include <algorithm>

#include "apps/cli/call.h"
#include "apps/cli/container/commands.h"
#include "base/text.h"
#include "client/format/table.h"
#include "oci/distribution/reference.h"

namespace proa::cli {
namespace {

using client::Flag;
using client::Request;
using json::Value;

std::vector<std::string> texts_of(const Value::Array& list) {
  std::vector<std::string> texts;
  for (const Value& value : list) {
    const auto* text = value.get_if<std::string>();
    texts.push_back(text == nullptr ? "" : *text);
  }
  return texts;
}

Result<int> do_top(Call& call) {
  client::Client* engine = TRY(call.engine());
  Request request("GET", container_path(call.argument(0), "/top"));
  const std::vector<std::string> options(call.arguments().begin() + 1, call.arguments().end());
  if (!options.empty()) request.query("ps_args", join(options, " "));
  const Value top = TRY(engine->call_json(request));
  constexpr std::size_t kDockersMinimum = 20;
  client::Table table(texts_of(list_at(top, "Titles")), kDockersMinimum);
  for (const Value& process : list_at(top, "Processes")) {
    if (const auto* cells = process.get_if<Value::Array>()) table.add(texts_of(*cells));
  }
  TRY(print(table.print(terminal_width())));
  return 0;
}

std::string bindings_of(const json::Member& port, std::string_view prefix) {
  std::string lines;
  const auto* bindings = port.value.get_if<Value::Array>();
  if (bindings == nullptr) return lines;
  for (const Value& binding : *bindings) {
    const std::string ip = text_at(binding, "HostIp");
    const bool v6 = ip.find(':') != std::string::npos;
    lines.append(
        cat(prefix, v6 ? "[" : "", ip, v6 ? "]:" : ":", text_at(binding, "HostPort"), "\n"));
  }
  return lines;
}

Result<int> do_port(Call& call) {
  client::Client* engine = TRY(call.engine());
  const Value shown =
      TRY(engine->call_json(Request("GET", container_path(call.argument(0), "/json"))));
  const auto& ports = members_at(member_at(shown, "NetworkSettings"), "Ports");
  std::string text;
  if (call.arguments().size() == 2) {
    const std::string wanted = call.argument(1).find('/') == std::string::npos
                                   ? call.argument(1) + "/tcp"
                                   : call.argument(1);
    for (const json::Member& port : ports) {
      if (port.key == wanted) text.append(bindings_of(port, ""));
    }
    if (text.empty()) {
      return fail(ErrorKind::not_found, "Error: No public port '", wanted, "' published for ",
                  call.argument(0));
    }
  } else {
    for (const json::Member& port : ports) {
      text.append(bindings_of(port, cat(port.key, " -> ")));
    }
  }
  TRY(print(text));
  return 0;
}

Result<int> do_diff(Call& call) {
  client::Client* engine = TRY(call.engine());
  const Value changes =
      TRY(engine->call_json(Request("GET", container_path(call.argument(0), "/changes"))));
  std::string text;
  if (const auto* list = changes.get_if<Value::Array>()) {
    for (const Value& change : *list) {
      constexpr std::string_view kKinds = "CAD";
      const auto kind = static_cast<std::size_t>(number_at(change, "Kind"));
      text.append(
          cat(kind < kKinds.size() ? kKinds[kind] : '?', " ", text_at(change, "Path"), "\n"));
    }
  }
  TRY(print(text));
  return 0;
}

Result<int> do_commit(Call& call) {
  const client::Flags& flags = call.flags();
  client::Client* engine = TRY(call.engine());
  Request request("POST", "/commit");
  request.query("container", call.argument(0));
  if (call.arguments().size() == 2) {
    const auto reference = TRY(oci::distribution::Reference::parse(call.argument(1)));
    request.query("repo", reference.name()).query("tag", reference.tag);
  }
  if (flags.given("message")) request.query("comment", flags.text("message"));
  if (flags.given("author")) request.query("author", flags.text("author"));
  if (!flags.is("pause", true)) request.query("pause", "0");
  for (const std::string& change : flags.list("change")) request.query("changes", change);
  const Value made = TRY(engine->call_json(request));
  TRY(print(cat(text_at(made, "Id"), "\n")));
  return 0;
}

constexpr Flag kCommitFlags[] = {
    {'a', "author", Flag::Kind::text, "name", "Who made the image"},
    {'c', "change", Flag::Kind::list, "instruction",
     "Change the image by a Dockerfile instruction"},
    {'m', "message", Flag::Kind::text, "text", "Why it was made"},
    {'p', "pause", Flag::Kind::boolean, "", "Hold the container meanwhile (the default)"},
};

}  // namespace

const Command kTopProcesses = {.name = "top",
                               .arguments = "CONTAINER [ps OPTIONS]",
                               .brief = "Show the processes of a container",
                               .least = 1,
                               .flags = {},
                               .run = do_top,
                               .interspersed = client::Interspersed::no,
                               .completes = "running"};
const Command kPort = {.name = "port",
                       .arguments = "CONTAINER [PORT[/PROTOCOL]]",
                       .brief = "Show where a container's ports are published",
                       .least = 1,
                       .most = 2,
                       .flags = {},
                       .run = do_port,
                       .completes = "container"};
const Command kDiff = {.name = "diff",
                       .arguments = "CONTAINER",
                       .brief = "Show which files a container has changed",
                       .least = 1,
                       .most = 1,
                       .flags = {},
                       .run = do_diff,
                       .more = "A: added, C: changed, D: deleted.\n",
                       .completes = "container"};
const Command kCommit = {.name = "commit",
                         .arguments = "CONTAINER [REPOSITORY[:TAG]]",
                         .brief = "Make an image of what a container has changed",
                         .least = 1,
                         .most = 2,
                         .flags = kCommitFlags,
                         .run = do_commit,
                         .completes = "container"};

}  // namespace proa::cli
