// ps.
#include <algorithm>

#include "apps/cli/call.h"
#include "apps/cli/container/commands.h"
#include "base/number.h"
#include "base/text.h"
#include "client/format/table.h"
#include "client/format/units.h"
#include "client/spec/settings.h"

namespace proa::cli {
namespace {

using client::Column;
using client::Flag;
using json::Value;

constexpr Column kColumns[] = {
    {"ID", "CONTAINER ID"},
    {"Image", "IMAGE"},
    {"Command", "COMMAND"},
    {"CreatedAt", "CREATED AT"},
    {"RunningFor", "CREATED"},
    {"Status", "STATUS"},
    {"State", "STATE"},
    {"Ports", "PORTS"},
    {"Names", "NAMES"},
    {"Size", "SIZE"},
    {"Labels", "LABELS"},
    {"Mounts", "MOUNTS"},
    {"LocalVolumes", "LOCAL VOLUMES"},
    {"Networks", "NETWORKS"},
};

struct Port {
  std::string ip;
  std::int64_t inside = 0;
  std::int64_t outside = 0;
  std::string protocol;
  auto operator<=>(const Port&) const = default;
};

std::vector<Port> ports_of(const Value& container) {
  std::vector<Port> ports;
  for (const Value& port : list_at(container, "Ports")) {
    ports.push_back({text_at(port, "IP"), number_at(port, "PrivatePort"),
                     number_at(port, "PublicPort"), text_at(port, "Type")});
  }
  std::ranges::sort(ports, {}, [](const Port& port) {
    return std::tuple(port.inside, port.outside, port.protocol, port.ip);
  });
  return ports;
}

// Neighbours that follow each other on both sides are one range, as docker shows them.
bool follows(const Port& last, const Port& next) {
  return last.ip == next.ip && last.protocol == next.protocol && next.inside == last.inside + 1 &&
         (last.outside == 0 ? next.outside == 0 : next.outside == last.outside + 1);
}

std::string range(std::int64_t first, std::int64_t last) {
  return first == last ? cat(first) : cat(first, "-", last);
}

std::string print_ports(const std::vector<Port>& ports) {
  std::string text;
  std::vector<bool> done(ports.size(), false);
  for (std::size_t start = 0; start < ports.size(); ++start) {
    if (done[start]) continue;
    std::size_t end = start;
    for (std::size_t next = start + 1; next < ports.size(); ++next) {
      if (done[next] || !follows(ports[end], ports[next])) continue;
      done[next] = true;
      end = next;
    }
    const Port& first = ports[start];
    text.append(text.empty() ? "" : ", ");
    if (first.outside != 0) {
      const bool v6 = first.ip.find(':') != std::string::npos;
      text.append(v6 ? cat("[", first.ip, "]") : first.ip).append(":");
      text.append(range(first.outside, ports[end].outside)).append("->");
    }
    text.append(range(first.inside, ports[end].inside)).append("/").append(first.protocol);
  }
  return text;
}

std::string names_of(const Value& container, bool whole) {
  std::string names;
  for (const Value& entry : list_at(container, "Names")) {
    const auto* text = entry.get_if<std::string>();
    if (text == nullptr) continue;
    const std::string_view name = std::string_view(*text).substr(text->starts_with('/') ? 1 : 0);
    // A name with a slash is another container's link to this one.
    if (!whole && name.find('/') != std::string_view::npos) continue;
    names.append(names.empty() ? "" : ",").append(name);
  }
  return names;
}

std::string mounts_of(const Value& container, bool whole) {
  std::string mounts;
  for (const Value& mount : list_at(container, "Mounts")) {
    const std::string name = text_at(mount, "Name");
    const std::string shown = name.empty() ? text_at(mount, "Source") : name;
    mounts.append(mounts.empty() ? "" : ",").append(whole ? shown : client::shorten(shown, 15));
  }
  return mounts;
}

Value row_of(const Value& container, bool whole, Moment now) {
  Value row = Value::object();
  const std::string id = text_at(container, "Id");
  row.set("ID", whole ? id : id.substr(0, 12));
  std::string image = text_at(container, "Image");
  if (image.empty()) image = "<no image>";
  if (!whole && image.starts_with("sha256:")) image = image.substr(7, 12);
  row.set("Image", image);
  const std::string command = text_at(container, "Command");
  row.set("Command", json::print(Value(whole ? command : client::shorten(command, 20))));
  const std::int64_t created = number_at(container, "Created");
  row.set("CreatedAt", created_at(created));
  row.set("RunningFor", client::human_age(created, now));
  row.set("Status", text_at(container, "Status"));
  row.set("State", text_at(container, "State"));
  row.set("Ports", print_ports(ports_of(container)));
  row.set("Names", names_of(container, whole));
  const double own = real_at(container, "SizeRw");
  const double all = real_at(container, "SizeRootFs");
  std::string size = client::human_size(own, 3);
  if (all > 0) size.append(" (virtual ").append(client::human_size(all, 3)).append(")");
  row.set("Size", size);
  std::string labels;
  for (const json::Member& label : members_at(container, "Labels")) {
    const auto* text = label.value.get_if<std::string>();
    labels.append(labels.empty() ? "" : ",").append(label.key).append("=");
    if (text != nullptr) labels.append(*text);
  }
  row.set("Labels", labels);
  row.set("Mounts", mounts_of(container, whole));
  const auto& mounts = list_at(container, "Mounts");
  row.set("LocalVolumes", cat(std::ranges::count_if(mounts, [](const Value& mount) {
            return text_at(mount, "Driver") == "local";
          })));
  std::string networks;
  for (const json::Member& network :
       members_at(member_at(container, "NetworkSettings"), "Networks")) {
    networks.append(networks.empty() ? "" : ",").append(network.key);
  }
  row.set("Networks", networks);
  return row;
}

Result<int> do_list(Call& call) {
  const client::Flags& flags = call.flags();
  client::Client* engine = TRY(call.engine());
  client::Request request("GET", "/containers/json");
  const auto last = flags.integer("last");
  if (flags.is("all") || flags.is("latest") || last) request.query("all", "1");
  if (flags.is("latest")) request.query("limit", "1");
  if (last && *last > 0) request.query("limit", cat(*last));
  const bool sized = flags.is("size") || flags.text("format").find(".Size") != std::string::npos;
  if (sized) request.query("size", "1");
  if (flags.given("filter")) {
    request.query("filters", TRY(client::filters_text(flags.list("filter"))));
  }
  const Value containers = TRY(engine->call_json(request));
  const auto* list = containers.get_if<Value::Array>();
  if (list == nullptr) return fail(ErrorKind::corrupt, "the engine sent no list of containers");
  if (flags.is("quiet")) {
    std::string ids;
    for (const Value& container : *list) {
      const std::string id = text_at(container, "Id");
      ids.append(flags.is("no-trunc") ? id : id.substr(0, 12)).append("\n");
    }
    TRY(print(ids));
    return 0;
  }
  std::vector<Value> rows;
  const Moment moment = now();
  for (const Value& container : *list) {
    rows.push_back(row_of(container, flags.is("no-trunc"), moment));
  }
  std::vector<std::string_view> usual = {"ID",     "Image", "Command", "RunningFor",
                                         "Status", "Ports", "Names"};
  if (flags.is("size")) usual.push_back("Size");
  const std::string text =
      TRY(client::print_listing(call.listing(std::move(usual)), kColumns, rows));
  TRY(print(text));
  return 0;
}

constexpr Flag kFlags[] = {
    {'a', "all", Flag::Kind::boolean, "", "Also those that do not run"},
    {'f', "filter", Flag::Kind::list, "name=value",
     "Only those like this: status, name, label, ancestor, network, volume, health, ..."},
    {'\0', "format", Flag::Kind::text, "template", "\"json\", \"table ...\" or a Go template"},
    {'n', "last", Flag::Kind::integer, "number", "The newest, running or not"},
    {'l', "latest", Flag::Kind::boolean, "", "The newest one, running or not"},
    {'\0', "no-trunc", Flag::Kind::boolean, "", "Shorten nothing"},
    {'q', "quiet", Flag::Kind::boolean, "", "Ids only"},
    {'s', "size", Flag::Kind::boolean, "", "Also what they take on disk"},
};

}  // namespace

const Command kList = {.name = "ps",
                       .arguments = "",
                       .brief = "List containers",
                       .most = 0,
                       .flags = kFlags,
                       .run = do_list,
                       .more =
                           "Examples:\n  proa ps -a --filter status=exited\n"
                           "  proa ps --format 'table {{.Names}}\\t{{.Status}}'\n"};

}  // namespace proa::cli
