// compose ps, logs, config, ls, and the life of an app's containers: start, stop, restart, kill.
#include <algorithm>
#include <array>

#include "apps/cli/app/commands.h"
#include "apps/cli/app/project.h"
#include "apps/cli/call.h"
#include "base/time.h"
#include "client/format/listing.h"
#include "client/format/table.h"
#include "client/format/units.h"
#include "compose/load/load.h"
#include "compose/model/print.h"
#include "compose/plan/labels.h"
#include "compose/run/down.h"
#include "compose/run/engine_calls.h"
#include "compose/run/logs.h"

namespace proa::cli {
namespace {

using client::Column;
using client::Flag;
using json::Value;

constexpr auto kBoolean = Flag::Kind::boolean;
constexpr auto kText = Flag::Kind::text;
constexpr auto kInteger = Flag::Kind::integer;

constexpr Column kPsColumns[] = {
    {"Name", "NAME"},       {"Image", "IMAGE"},       {"Command", "COMMAND"},
    {"Service", "SERVICE"}, {"CreatedAt", "CREATED"}, {"Status", "STATUS"},
    {"Ports", "PORTS"},     {"ID", "CONTAINER ID"},   {"State", "STATE"},
    {"Runtime", "RUNTIME"},
};

// "127.0.0.1:8080->80/tcp, 90/tcp"
std::string ports_text(const Value& container) {
  std::vector<std::string> texts;
  for (const Value& port : list_at(container, "Ports")) {
    std::string text;
    if (number_at(port, "PublicPort") != 0) {
      const std::string address = text_at(port, "IP");
      const bool v6 = address.find(':') != std::string::npos;
      text = cat(v6 ? "[" : "", address, v6 ? "]" : "", ":", number_at(port, "PublicPort"), "->");
    }
    texts.push_back(cat(text, number_at(port, "PrivatePort"), "/", text_at(port, "Type")));
  }
  std::ranges::sort(texts);
  return join(texts, ", ");
}

Value row_of(const Value& container, Moment moment) {
  const Value& labels = member_at(container, "Labels");
  Value row = Value::object();
  const auto& names = list_at(container, "Names");
  std::string name = names.empty() ? "" : *names[0].get_if<std::string>();
  row.set("Name", name.starts_with('/') ? name.substr(1) : name);
  row.set("ID", text_at(container, "Id").substr(0, 12));
  row.set("Image", text_at(container, "Image"));
  row.set("Command", cat("\"", client::shorten(text_at(container, "Command"), 20), "\""));
  row.set("Service", text_at(labels, compose::label::kService));
  row.set("CreatedAt", client::human_age(number_at(container, "Created"), moment));
  row.set("Status", text_at(container, "Status"));
  row.set("State", text_at(container, "State"));
  row.set("Ports", ports_text(container));
  row.set("Runtime", text_at(member_at(container, "HostConfig"), "Runtime"));
  return row;
}

Result<int> do_ps(Call& call) {
  const compose::Project project = TRY(project_or_name(call));
  const std::set<std::string> wanted = named_services(call);
  client::Client* engine = TRY(call.engine());
  client::Request request("GET", "/containers/json");
  if (call.flags().is("all")) request.query("all", "1");
  request.query(
      "filters",
      json::print(Value::Object{
          {"label", std::vector<std::string>{cat(compose::label::kProject, "=", project.name)}}}));
  const Value answer = TRY(engine->call_json(request));
  const auto* containers = answer.get_if<Value::Array>();
  if (containers == nullptr) return fail(ErrorKind::corrupt, "the engine sent no list");
  std::vector<Value> rows;
  for (const Value& container : *containers) {
    Value row = row_of(container, now());
    if (!wanted.empty() && !wanted.contains(text_at(row, "Service"))) continue;
    rows.push_back(std::move(row));
  }
  std::ranges::sort(rows, {}, [](const Value& row) { return text_at(row, "Name"); });
  if (call.flags().is("quiet") || call.flags().is("services")) {
    std::set<std::string> lines;
    for (const Value& row : rows) {
      lines.insert(text_at(row, call.flags().is("quiet") ? "ID" : "Service"));
    }
    for (const std::string& line : lines) TRY(print(cat(line, "\n")));
    return 0;
  }
  const std::string listed =
      TRY(client::print_listing(call.listing({"Name", "Image", "Command", "Service", "Runtime",
                                              "CreatedAt", "Status", "Ports"}),
                                kPsColumns, rows));
  TRY(print(listed));
  return 0;
}

Result<int> do_logs(Call& call) {
  const client::Flags& flags = call.flags();
  const compose::Project project = TRY(project_or_name(call));
  compose::LogOptions options;
  options.services = named_services(call);
  options.follow = flags.is("follow");
  options.timestamps = flags.is("timestamps");
  options.prefix = !flags.is("no-log-prefix");
  options.colours = terminal_width().has_value() && !flags.is("no-color");
  if (flags.given("tail")) options.tail = flags.text("tail");
  for (const auto& [name, member] :
       {std::pair("since", &options.since), std::pair("until", &options.until)}) {
    if (flags.given(name)) *member = TRY(client::parse_moment(flags.text(name), now()), name);
  }
  const client::Address engine = TRY(engine_of(call));
  TRY(compose::logs(engine, project.name, options,
                    [](std::string_view lines) { discard(print(lines), "nobody reads them"); }));
  return 0;
}

Result<int> do_config(Call& call) {
  const client::Flags& flags = call.flags();
  const compose::Project project = TRY(load_project(call, named_services(call)));
  if (flags.is("quiet")) return 0;
  if (flags.is("services")) {
    for (const auto& [name, service] : project.services) TRY(print(cat(name, "\n")));
    return 0;
  }
  if (flags.is("volumes")) {
    for (const auto& [name, volume] : project.volumes) TRY(print(cat(name, "\n")));
    return 0;
  }
  if (flags.is("images")) {
    for (const auto& [name, service] : project.services) {
      TRY(print(cat(compose::image_name(project, service), "\n")));
    }
    return 0;
  }
  const Value value = compose::to_json(project);
  const bool as_json = flags.text("format") == "json";
  TRY(print(as_json ? json::print_pretty(value) + "\n" : compose::print_yaml(value)));
  return 0;
}

constexpr Column kProjectColumns[] = {
    {"Name", "NAME"}, {"Status", "STATUS"}, {"ConfigFiles", "CONFIG FILES"}};

Result<int> do_projects(Call& call) {
  const client::Address engine = TRY(engine_of(call));
  compose::EngineCalls calls(engine);
  const auto projects = TRY(calls.projects());
  std::vector<Value> rows;
  for (const auto& project : projects) {
    if (project.running == 0 && !call.flags().is("all")) continue;
    const unsigned ended = project.all - project.running;
    std::string status;
    if (project.running > 0) status = cat("running(", project.running, ")");
    if (ended > 0) status += cat(status.empty() ? "" : ", ", "exited(", ended, ")");
    rows.push_back(
        Value::Object{{"Name", project.name}, {"Status", status}, {"ConfigFiles", project.files}});
  }
  const std::string listed = TRY(client::print_listing(
      call.listing({"Name", "Status", "ConfigFiles"}), kProjectColumns, rows));
  TRY(print(listed));
  return 0;
}

template <compose::Lifecycle kWhat>
Result<int> do_change(Call& call) {
  const compose::Project project = TRY(project_or_name(call));
  compose::LifecycleOptions options;
  options.services = named_services(call);
  for (const std::string& name : options.services) {
    if (!project.services.empty() && !project.services.contains(name)) {
      return fail(ErrorKind::not_found, "no such service: ", name);
    }
  }
  if (kWhat == compose::Lifecycle::kill) {
    if (call.flags().given("signal")) options.signal = call.flags().text("signal");
  } else if (kWhat != compose::Lifecycle::start) {
    options.timeout = call.flags().integer("timeout");
  }
  const client::Address engine = TRY(engine_of(call));
  compose::Report report(report_printer());
  TRY(compose::change(engine, project, kWhat, options, report));
  return 0;
}

constexpr Flag kPsFlags[] = {
    {'a', "all", kBoolean, "", "Also what does not run"},
    {'\0', "format", kText, "template", "\"json\", \"table ...\" or a template"},
    {'q', "quiet", kBoolean, "", "Ids only"},
    {'\0', "services", kBoolean, "", "Names of services only"},
};
constexpr Flag kLogsFlags[] = {
    {'f', "follow", kBoolean, "", "Go on with what is written from now on"},
    {'\0', "no-color", kBoolean, "", "Without colours"},
    {'\0', "no-log-prefix", kBoolean, "", "Without the containers' names"},
    {'\0', "since", kText, "time", "From then on: RFC 3339, or \"42m\" ago"},
    {'n', "tail", kText, "number", "The last lines of each only (all)"},
    {'t', "timestamps", kBoolean, "", "When each line was written"},
    {'\0', "until", kText, "time", "Up to then"},
};
constexpr Flag kConfigFlags[] = {
    {'\0', "format", kText, "format", "yaml or json (yaml)"},
    {'\0', "images", kBoolean, "", "Only the images' names"},
    {'q', "quiet", kBoolean, "", "Only check"},
    {'\0', "services", kBoolean, "", "Only the services' names"},
    {'\0', "volumes", kBoolean, "", "Only the volumes' names"},
};
constexpr Flag kProjectsFlags[] = {
    {'a', "all", kBoolean, "", "Also apps of which nothing runs"},
    {'\0', "format", kText, "template", "\"json\", \"table ...\" or a template"},
};
constexpr Flag kTimeoutFlags[] = {
    {'t', "timeout", kInteger, "seconds", "Until what has to stop is killed"},
};
constexpr Flag kKillFlags[] = {
    {'s', "signal", kText, "signal", "Which one (KILL)"},
};

}  // namespace

const Command kAppList = {.name = "ps",
                          .arguments = "[SERVICE...]",
                          .brief = "List an app's containers",
                          .flags = kPsFlags,
                          .run = do_ps,
                          .shared_flags = project_flags};
const Command kAppLogs = {.name = "logs",
                          .arguments = "[SERVICE...]",
                          .brief = "Show what an app's containers have written",
                          .flags = kLogsFlags,
                          .run = do_logs,
                          .shared_flags = project_flags_without_letters};
const Command kAppConfig = {.name = "config",
                            .arguments = "[SERVICE...]",
                            .brief = "Check a Compose file and show all that it says",
                            .flags = kConfigFlags,
                            .run = do_config,
                            .shared_flags = project_flags};
const Command kAppProjects = {
    .name = "ls", .brief = "List apps", .most = 0, .flags = kProjectsFlags, .run = do_projects};
const Command kAppStart = {.name = "start",
                           .arguments = "[SERVICE...]",
                           .brief = "Start an app's containers again",
                           .flags = {},
                           .run = do_change<compose::Lifecycle::start>,
                           .shared_flags = project_flags};
const Command kAppStop = {.name = "stop",
                          .arguments = "[SERVICE...]",
                          .brief = "Stop an app's containers",
                          .flags = kTimeoutFlags,
                          .run = do_change<compose::Lifecycle::stop>,
                          .shared_flags = project_flags};
const Command kAppRestart = {.name = "restart",
                             .arguments = "[SERVICE...]",
                             .brief = "Stop and start an app's containers",
                             .flags = kTimeoutFlags,
                             .run = do_change<compose::Lifecycle::restart>,
                             .shared_flags = project_flags};
const Command kAppKill = {.name = "kill",
                          .arguments = "[SERVICE...]",
                          .brief = "Send an app's containers a signal",
                          .flags = kKillFlags,
                          .run = do_change<compose::Lifecycle::kill>,
                          .shared_flags = project_flags};

std::vector<std::string> flags_behind_verb(std::vector<std::string> words) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kLetters = {
      {{"-f", "--file"}, {"-p", "--project-name"}}};
  std::vector<std::string> moved;
  std::size_t at = 0;
  while (at < words.size() && words[at].starts_with('-') && words[at] != "--help" &&
         words[at] != "-h") {
    std::string word = words[at++];
    bool whole = word.find('=') != std::string::npos;
    for (const auto& [letter, name] : kLetters) {
      if (!word.starts_with(letter) || word.starts_with("--")) continue;
      whole = word.size() > letter.size();
      word =
          whole ? cat(name, "=", std::string_view(word).substr(letter.size())) : std::string(name);
    }
    moved.push_back(std::move(word));
    if (!whole && at < words.size()) moved.push_back(words[at++]);
  }
  if (moved.empty() || at == words.size()) return words;
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(at));
  words.insert(words.begin() + 1, moved.begin(), moved.end());
  return words;
}

}  // namespace proa::cli
