// volume ...
#include "apps/cli/call.h"
#include "apps/cli/system/commands.h"
#include "apps/cli/system/inspect.h"
#include "apps/cli/system/prune.h"
#include "base/text.h"
#include "client/format/units.h"
#include "client/spec/settings.h"

namespace proa::cli {
namespace {

using client::Column;
using client::Flag;
using client::Request;
using json::Value;

std::string volume_path(std::string_view name) {
  return cat("/volumes/", client::percent_encode(name));
}

Result<int> do_create(Call& call) {
  const client::Flags& flags = call.flags();
  Value body = Value::object();
  const std::string named = flags.text("name");
  if (!call.arguments().empty() && !named.empty()) {
    return fail(ErrorKind::invalid_argument,
                "conflicting options: cannot specify a volume name "
                "through both --name and as a positional arg");
  }
  body.set("Name", call.arguments().empty() ? named : call.argument(0));
  body.set("Driver", flags.given("driver") ? flags.text("driver") : "local");
  Value options = TRY(client::key_values(flags.list("opt"), "option"));
  Value labels = TRY(client::gather_labels({}, flags.list("label")));
  body.set("DriverOpts", std::move(options));
  body.set("Labels", std::move(labels));
  client::Client* engine = TRY(call.engine());
  Request request("POST", "/volumes/create");
  request.body(body);
  const Value made = TRY(engine->call_json(request));
  TRY(print(cat(text_at(made, "Name"), "\n")));
  return 0;
}

constexpr Column kColumns[] = {
    {"Name", "VOLUME NAME"}, {"Driver", "DRIVER"}, {"Scope", "SCOPE"}, {"Mountpoint", "MOUNTPOINT"},
    {"Labels", "LABELS"},    {"Links", "LINKS"},   {"Size", "SIZE"},   {"Status", "STATUS"},
};

Result<int> do_list(Call& call) {
  client::Client* engine = TRY(call.engine());
  Request request("GET", "/volumes");
  if (call.flags().given("filter")) {
    request.query("filters", TRY(client::filters_text(call.flags().list("filter"))));
  }
  const Value answer = TRY(engine->call_json(request));
  std::vector<Value> rows;
  std::string names;
  for (const Value& volume : list_at(answer, "Volumes")) {
    Value row = Value::object();
    for (const char* member : {"Name", "Driver", "Scope", "Mountpoint"}) {
      row.set(member, text_at(volume, member));
    }
    std::string labels;
    for (const json::Member& label : members_at(volume, "Labels")) {
      const auto* text = label.value.get_if<std::string>();
      labels.append(labels.empty() ? "" : ",").append(label.key).append("=");
      if (text != nullptr) labels.append(*text);
    }
    row.set("Labels", labels);
    const Value& usage = member_at(volume, "UsageData");
    row.set("Links", usage.is_null() ? "N/A" : cat(number_at(usage, "RefCount")));
    row.set("Size", usage.is_null() ? "N/A" : client::human_size(real_at(usage, "Size"), 3));
    row.set("Status", "N/A");
    rows.push_back(std::move(row));
    names.append(text_at(volume, "Name")).append("\n");
  }
  if (call.flags().is("quiet")) {
    TRY(print(names));
    return 0;
  }
  const std::string text =
      TRY(client::print_listing(call.listing({"Driver", "Name"}), kColumns, rows));
  TRY(print(text));
  return 0;
}

Result<int> do_inspect(Call& call) { return inspect(call, "volume"); }

Result<int> do_remove(Call& call) {
  return for_each_argument(call, [](Call& each, const std::string& name) -> Result<void> {
    client::Client* engine = TRY(each.engine());
    Request request("DELETE", volume_path(name));
    if (each.flags().is("force")) request.query("force", "1");
    TRY(engine->call(request));
    return {};
  });
}

Result<int> do_prune(Call& call) {
  const bool all = call.flags().is("all");
  return prune(call, {.path = "/volumes/prune",
                      .what = all ? "all local volumes not used by at least one container"
                                  : "anonymous local volumes not used by at least one container",
                      .list = "VolumesDeleted",
                      .title = "Deleted Volumes:",
                      .filter = all ? "all=true" : ""});
}

constexpr Flag kCreateFlags[] = {
    {'d', "driver", Flag::Kind::text, "driver", "Driver (local)"},
    {'\0', "label", Flag::Kind::list, "key[=value]", "Add a label"},
    {'\0', "name", Flag::Kind::text, "name", "Name it (same as the argument)"},
    {'o', "opt", Flag::Kind::list, "key=value", "Set an option of the driver"},
};
constexpr Flag kListFlags[] = {
    {'f', "filter", Flag::Kind::list, "name=value", "Only those like this: dangling, name, label"},
    {'\0', "format", Flag::Kind::text, "template", "\"json\", \"table ...\" or a Go template"},
    {'q', "quiet", Flag::Kind::boolean, "", "Names only"},
};
constexpr Flag kRemoveFlags[] = {
    {'f', "force", Flag::Kind::boolean, "", "One that is not there is no error"},
};
constexpr Flag kVolumePruneFlags[] = {
    {'a', "all", Flag::Kind::boolean, "", "Also volumes that have a name"},
    {'\0', "filter", Flag::Kind::list, "name=value", "Remove only what is like this"},
    {'f', "force", Flag::Kind::boolean, "", "Do not ask first"},
};

}  // namespace

const Command kVolumeCreate = {.name = "create",
                               .arguments = "[VOLUME]",
                               .brief = "Make a volume",
                               .most = 1,
                               .flags = kCreateFlags,
                               .run = do_create};
const Command kVolumeList = {.name = "ls",
                             .arguments = "",
                             .brief = "List volumes",
                             .most = 0,
                             .flags = kListFlags,
                             .run = do_list};
const Command kVolumeInspect = {.name = "inspect",
                                .arguments = "VOLUME [VOLUME...]",
                                .brief = "Show all about volumes as JSON",
                                .least = 1,
                                .flags = kInspectFlags,
                                .run = do_inspect,
                                .completes = "volume"};
const Command kVolumeRemove = {.name = "rm",
                               .arguments = "VOLUME [VOLUME...]",
                               .brief = "Remove volumes",
                               .least = 1,
                               .flags = kRemoveFlags,
                               .run = do_remove,
                               .completes = "volume"};
const Command kVolumePrune = {.name = "prune",
                              .arguments = "",
                              .brief = "Remove volumes that nothing uses",
                              .most = 0,
                              .flags = kVolumePruneFlags,
                              .run = do_prune};

}  // namespace proa::cli
