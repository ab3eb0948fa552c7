// version, info, events, system df, system prune.
#include <sys/utsname.h>

#include "apps/cli/call.h"
#include "apps/cli/system/commands.h"
#include "apps/cli/system/prune.h"
#include "apps/cli/system/show.h"
#include "apps/cli/version.h"
#include "base/text.h"
#include "client/format/table.h"
#include "client/format/units.h"
#include "client/spec/settings.h"
#include "client/stream/json_lines.h"
#include "client/template/template.h"

namespace proa::cli {
namespace {

using client::Flag;
using client::Request;
using json::Value;

Value client_version() {
  struct utsname host = {};
  ::uname(&host);
  Value version = Value::object();
  version.set("Version", kVersionText);
  version.set("ApiVersion", "1.44");
  version.set("Os", "linux");
  version.set("Arch", std::string_view(host.machine) == "x86_64" ? "amd64" : host.machine);
  return version;
}

Result<int> do_version(Call& call) {
  Value all = Value::object();
  all.set("Client", client_version());
  Result<client::Client*> engine = call.engine();
  Result<Value> server = engine.ok() ? engine.value()->call_json(Request("GET", "/version"))
                                     : Result<Value>(engine.error());
  all.set("Server", server.ok() ? server.value() : Value());
  const std::string format = call.flags().text("format");
  const std::string text =
      format.empty() ? show_version(all) : TRY(client::print_each(format, {all}));
  TRY(print(text));
  if (server.ok()) return 0;
  return std::move(server).error();
}

Result<int> do_info(Call& call) {
  client::Client* engine = TRY(call.engine());
  Value info = TRY(engine->call_json(Request("GET", "/info")));
  const std::string format = call.flags().text("format");
  if (format.empty()) {
    TRY(print(show_info(info, client_version())));
    for (const Value& warning : list_at(info, "Warnings")) {
      if (const auto* text = warning.get_if<std::string>()) print_error(*text);
    }
    return 0;
  }
  info.set("ClientInfo", client_version());
  const std::string text = TRY(client::print_each(format, {info}));
  TRY(print(text));
  return 0;
}

Result<int> do_events(Call& call) {
  const client::Flags& flags = call.flags();
  client::Client* engine = TRY(call.engine());
  Request request("GET", "/events");
  for (const char* flag : {"since", "until"}) {
    if (!flags.given(flag)) continue;
    request.query(flag, TRY(client::parse_moment(flags.text(flag), now()), "invalid value for \"",
                            flag, "\""));
  }
  if (flags.given("filter")) {
    request.query("filters", TRY(client::filters_text(flags.list("filter"))));
  }
  const std::string format = flags.text("format");
  std::optional<client::Template> filled;
  if (!format.empty()) {
    filled = TRY(
        client::Template::parse(format == "json" ? "{{json .}}" : client::unescape_format(format)));
  }
  client::Connection connection = TRY(engine->open(request));
  const auto show = [&](const Value& event) -> Result<void> {
    if (!filled) return print(show_event(event));
    const std::string text = TRY(filled->execute(event));
    return print(text + "\n");
  };
  TRY(client::for_each_value(connection, show));
  return 0;
}

Result<int> do_usage(Call& call) {
  client::Client* engine = TRY(call.engine());
  const Value usage = TRY(engine->call_json(Request("GET", "/system/df")));
  if (call.flags().is("verbose")) {
    TRY(print(show_usage_in_full(usage, terminal_width())));
    return 0;
  }
  const std::string text = TRY(
      client::print_listing(call.listing({"Type", "TotalCount", "Active", "Size", "Reclaimable"}),
                            kUsageColumns, usage_rows(usage)));
  TRY(print(text));
  return 0;
}

Result<int> do_prune(Call& call) {
  const bool all = call.flags().is("all");
  const bool volumes = call.flags().is("volumes");
  if (!call.flags().is("force")) {
    const bool sure = TRY(
        confirm(cat("WARNING! This will remove:\n  - all stopped containers\n"
                    "  - all networks not used by at least one container\n",
                    volumes ? "  - all anonymous volumes not used by at least one container\n" : "",
                    all ? "  - all images without at least one container associated to them\n"
                        : "  - all dangling images\n",
                    "  - unused build cache\n")));
    if (!sure) return 0;
  }
  std::vector<PruneWhat> parts = {{.path = "/containers/prune",
                                   .what = "",
                                   .list = "ContainersDeleted",
                                   .title = "Deleted Containers:"},
                                  {.path = "/networks/prune",
                                   .what = "",
                                   .list = "NetworksDeleted",
                                   .title = "Deleted Networks:"}};
  if (volumes) {
    parts.push_back({.path = "/volumes/prune",
                     .what = "",
                     .list = "VolumesDeleted",
                     .title = "Deleted Volumes:"});
  }
  parts.push_back({.path = "/images/prune",
                   .what = "",
                   .list = "ImagesDeleted",
                   .title = "Deleted Images:",
                   .filter = all ? "dangling=false" : "dangling=true"});
  parts.push_back({.path = "/build/prune",
                   .what = "",
                   .list = "CachesDeleted",
                   .title = "Deleted build cache objects:",
                   .query = all ? "all" : ""});
  double reclaimed = 0;
  for (const PruneWhat& part : parts) {
    const auto done = prune_part(call, part, reclaimed);
    // What an engine does not have needs no pruning.
    if (!done.ok() && done.error().kind() != ErrorKind::unsupported) return Error(done.error());
  }
  TRY(print(cat("Total reclaimed space: ", client::human_size(reclaimed), "\n")));
  return 0;
}

constexpr Flag kFormatFlags[] = {
    {'f', "format", Flag::Kind::text, "template", "\"json\" or a Go template"},
};
constexpr Flag kEventsFlags[] = {
    {'f', "filter", Flag::Kind::list, "name=value",
     "Only those like this: type, event, container, image, volume, network, label"},
    {'\0', "format", Flag::Kind::text, "template", "\"json\" or a Go template"},
    {'\0', "since", Flag::Kind::text, "time", "From then on: RFC 3339, or \"42m\" ago"},
    {'\0', "until", Flag::Kind::text, "time", "Up to then"},
};
constexpr Flag kUsageFlags[] = {
    {'\0', "format", Flag::Kind::text, "template", "\"json\", \"table ...\" or a Go template"},
    {'v', "verbose", Flag::Kind::boolean, "", "Each image, container and volume"},
};
constexpr Flag kSystemPruneFlags[] = {
    {'a', "all", Flag::Kind::boolean, "", "All images that no container uses"},
    {'\0', "filter", Flag::Kind::list, "name=value", "Remove only what is like this"},
    {'f', "force", Flag::Kind::boolean, "", "Do not ask first"},
    {'\0', "volumes", Flag::Kind::boolean, "", "Anonymous volumes too"},
};

}  // namespace

const Command kVersion = {.name = "version",
                          .arguments = "",
                          .brief = "Show the versions of proa and of the engine",
                          .most = 0,
                          .flags = kFormatFlags,
                          .run = do_version};
const Command kInfo = {.name = "info",
                       .arguments = "",
                       .brief = "Show what the engine is and has",
                       .most = 0,
                       .flags = kFormatFlags,
                       .run = do_info};
const Command kEvents = {.name = "events",
                         .arguments = "",
                         .brief = "Show what happens, as it happens",
                         .most = 0,
                         .flags = kEventsFlags,
                         .run = do_events};
const Command kSystemUsage = {.name = "df",
                              .arguments = "",
                              .brief = "Show what takes how much on disk",
                              .most = 0,
                              .flags = kUsageFlags,
                              .run = do_usage};
const Command kSystemPrune = {.name = "prune",
                              .arguments = "",
                              .brief = "Remove what is not used",
                              .most = 0,
                              .flags = kSystemPruneFlags,
                              .run = do_prune};

}  // namespace proa::cli
