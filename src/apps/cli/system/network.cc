// network ...
#include <algorithm>

#include "apps/cli/call.h"
#include "apps/cli/system/commands.h"
#include "apps/cli/system/inspect.h"
#include "apps/cli/system/prune.h"
#include "base/text.h"
#include "client/spec/settings.h"

namespace proa::cli {
namespace {

using client::Column;
using client::Flag;
using client::Request;
using json::Value;

constexpr auto kBoolean = Flag::Kind::boolean;
constexpr auto kText = Flag::Kind::text;
constexpr auto kList = Flag::Kind::list;

std::string network_path(std::string_view name, std::string_view rest = "") {
  return cat("/networks/", client::percent_encode(name), rest);
}

// --subnet, --gateway and --ip-range in order: each subnet with what stands beside it.
Result<Value> addressing(const client::Flags& flags) {
  Value pools = Value::array();
  const auto& subnets = flags.list("subnet");
  const auto& gateways = flags.list("gateway");
  const auto& ranges = flags.list("ip-range");
  if (subnets.empty() && (!gateways.empty() || !ranges.empty())) {
    return fail(ErrorKind::invalid_argument,
                "every ip-range or gateway must have a corresponding "
                "subnet");
  }
  if (gateways.size() > subnets.size() || ranges.size() > subnets.size()) {
    return fail(ErrorKind::invalid_argument, "there are more gateways or ranges than subnets");
  }
  for (std::size_t index = 0; index < subnets.size(); ++index) {
    const bool v6 = subnets[index].find(':') != std::string::npos;
    const auto same_family = [&](const std::string& text) {
      return (text.find(':') != std::string::npos) == v6;
    };
    Value pool = Value::object();
    pool.set("Subnet", subnets[index]);
    const auto gateway = std::ranges::find_if(gateways, same_family);
    const auto range = std::ranges::find_if(ranges, same_family);
    if (gateway != gateways.end()) pool.set("Gateway", *gateway);
    if (range != ranges.end()) pool.set("IPRange", *range);
    Value auxiliary = TRY(client::key_values(flags.list("aux-address"), "aux-address"));
    if (!auxiliary.get_if<Value::Object>()->empty() && !v6) {
      pool.set("AuxiliaryAddresses", std::move(auxiliary));
    }
    pools.push(std::move(pool));
  }
  Value options = TRY(client::key_values(flags.list("ipam-opt"), "IPAM option"));
  Value ipam = Value::object();
  ipam.set("Driver", flags.given("ipam-driver") ? flags.text("ipam-driver") : "default");
  ipam.set("Options", std::move(options));
  ipam.set("Config", std::move(pools));
  return ipam;
}

Result<int> do_create(Call& call) {
  const client::Flags& flags = call.flags();
  Value body = Value::object();
  body.set("Name", call.argument(0));
  body.set("CheckDuplicate", true);
  body.set("Driver", flags.given("driver") ? flags.text("driver") : "bridge");
  Value ipam = TRY(addressing(flags));
  body.set("IPAM", std::move(ipam));
  for (const auto& [member, flag] :
       {std::pair("Internal", "internal"), std::pair("Attachable", "attachable"),
        std::pair("EnableIPv6", "ipv6")}) {
    body.set(member, flags.is(flag));
  }
  Value options = TRY(client::key_values(flags.list("opt"), "option"));
  Value labels = TRY(client::gather_labels({}, flags.list("label")));
  body.set("Options", std::move(options));
  body.set("Labels", std::move(labels));
  client::Client* engine = TRY(call.engine());
  Request request("POST", "/networks/create");
  request.body(body);
  const Value made = TRY(engine->call_json(request));
  if (const std::string warning = text_at(made, "Warning"); !warning.empty()) {
    print_error(cat("WARNING: ", warning));
  }
  TRY(print(cat(text_at(made, "Id"), "\n")));
  return 0;
}

constexpr Column kColumns[] = {
    {"ID", "NETWORK ID"}, {"Name", "NAME"},
    {"Driver", "DRIVER"}, {"Scope", "SCOPE"},
    {"IPv6", "IPV6"},     {"Internal", "INTERNAL"},
    {"Labels", "LABELS"}, {"CreatedAt", "CREATED AT"},
};

Result<int> do_list(Call& call) {
  client::Client* engine = TRY(call.engine());
  Request request("GET", "/networks");
  if (call.flags().given("filter")) {
    request.query("filters", TRY(client::filters_text(call.flags().list("filter"))));
  }
  const Value answer = TRY(engine->call_json(request));
  const auto* list = answer.get_if<Value::Array>();
  if (list == nullptr) return fail(ErrorKind::corrupt, "the engine sent no list of networks");
  std::vector<Value> networks = *list;
  std::ranges::sort(networks, {}, [](const Value& network) { return text_at(network, "Name"); });
  std::vector<Value> rows;
  std::string ids;
  for (const Value& network : networks) {
    Value row = Value::object();
    const std::string id = text_at(network, "Id");
    const std::string shown = call.flags().is("no-trunc") ? id : id.substr(0, 12);
    ids.append(shown).append("\n");
    row.set("ID", shown);
    for (const char* member : {"Name", "Driver", "Scope"}) {
      row.set(member, text_at(network, member));
    }
    row.set("IPv6", flag_at(network, "EnableIPv6") ? "true" : "false");
    row.set("Internal", flag_at(network, "Internal") ? "true" : "false");
    std::string labels;
    for (const json::Member& label : members_at(network, "Labels")) {
      const auto* text = label.value.get_if<std::string>();
      labels.append(labels.empty() ? "" : ",").append(label.key).append("=");
      if (text != nullptr) labels.append(*text);
    }
    row.set("Labels", labels);
    row.set("CreatedAt", text_at(network, "Created"));
    rows.push_back(std::move(row));
  }
  if (call.flags().is("quiet")) {
    TRY(print(ids));
    return 0;
  }
  const std::string text =
      TRY(client::print_listing(call.listing({"ID", "Name", "Driver", "Scope"}), kColumns, rows));
  TRY(print(text));
  return 0;
}

Result<int> do_inspect(Call& call) { return inspect(call, "network"); }

Result<int> do_remove(Call& call) {
  return for_each_argument(call, [](Call& each, const std::string& name) -> Result<void> {
    client::Client* engine = TRY(each.engine());
    const auto removed = engine->call(Request("DELETE", network_path(name)));
    const bool forgiven =
        each.flags().is("force") && !removed.ok() && removed.error().kind() == ErrorKind::not_found;
    if (!removed.ok() && !forgiven) return Error(removed.error());
    return {};
  });
}

Result<int> do_prune(Call& call) {
  return prune(call, {.path = "/networks/prune",
                      .what = "all custom networks not used by at least one container",
                      .list = "NetworksDeleted",
                      .title = "Deleted Networks:"});
}

Result<int> do_connect(Call& call) {
  const client::Flags& flags = call.flags();
  Value endpoint = Value::object();
  Value addresses = Value::object();
  if (flags.given("ip")) addresses.set("IPv4Address", flags.text("ip"));
  if (flags.given("ip6")) addresses.set("IPv6Address", flags.text("ip6"));
  if (flags.given("link-local-ip")) {
    addresses.set("LinkLocalIPs", Value(flags.list("link-local-ip")));
  }
  endpoint.set("IPAMConfig", std::move(addresses));
  if (flags.given("alias")) endpoint.set("Aliases", Value(flags.list("alias")));
  if (flags.given("link")) endpoint.set("Links", Value(flags.list("link")));
  if (flags.given("driver-opt")) {
    Value options = TRY(client::key_values(flags.list("driver-opt"), "driver option"));
    endpoint.set("DriverOpts", std::move(options));
  }
  Value body = Value::object();
  body.set("Container", call.argument(1));
  body.set("EndpointConfig", std::move(endpoint));
  client::Client* engine = TRY(call.engine());
  Request request("POST", network_path(call.argument(0), "/connect"));
  request.body(body);
  TRY(engine->call(request));
  return 0;
}

Result<int> do_disconnect(Call& call) {
  Value body = Value::object();
  body.set("Container", call.argument(1));
  body.set("Force", call.flags().is("force"));
  client::Client* engine = TRY(call.engine());
  Request request("POST", network_path(call.argument(0), "/disconnect"));
  request.body(body);
  TRY(engine->call(request));
  return 0;
}

constexpr Flag kCreateFlags[] = {
    {'\0', "attachable", kBoolean, "", "Kept for docker's users; changes nothing here"},
    {'\0', "aux-address", kList, "name=address", "Keep an address free"},
    {'d', "driver", kText, "driver", "Driver (bridge)"},
    {'\0', "gateway", kList, "address", "Address of the host on a subnet"},
    {'\0', "internal", kBoolean, "", "Without a way to the outside"},
    {'\0', "ip-range", kList, "cidr", "Give addresses of this part only"},
    {'\0', "ipam-driver", kText, "driver", "Driver of addresses (default)"},
    {'\0', "ipam-opt", kList, "key=value", "Set an option of that driver"},
    {'\0', "ipv6", kBoolean, "", "With IPv6 addresses too"},
    {'\0', "label", kList, "key[=value]", "Add a label"},
    {'o', "opt", kList, "key=value", "Set an option of the driver"},
    {'\0', "subnet", kList, "cidr", "Addresses of the network"},
};
constexpr Flag kListFlags[] = {
    {'f', "filter", kList, "name=value", "Only those like this: driver, name, label, type"},
    {'\0', "format", kText, "template", "\"json\", \"table ...\" or a Go template"},
    {'\0', "no-trunc", kBoolean, "", "Shorten nothing"},
    {'q', "quiet", kBoolean, "", "Ids only"},
};
constexpr Flag kRemoveFlags[] = {
    {'f', "force", kBoolean, "", "One that is not there is no error"},
};
constexpr Flag kConnectFlags[] = {
    {'\0', "alias", kList, "name", "One more name for it on the network"},
    {'\0', "driver-opt", kList, "key=value", "Set an option of the driver"},
    {'\0', "ip", kText, "address", "Its IPv4 address"},
    {'\0', "ip6", kText, "address", "Its IPv6 address"},
    {'\0', "link", kList, "container[:alias]", "Let it find another container by this name"},
    {'\0', "link-local-ip", kList, "address", "A link-local address for it"},
};
constexpr Flag kDisconnectFlags[] = {
    {'f', "force", kBoolean, "", "Though it does not answer"},
};

}  // namespace

const Command kNetworkCreate = {.name = "create",
                                .arguments = "NETWORK",
                                .brief = "Make a network",
                                .least = 1,
                                .most = 1,
                                .flags = kCreateFlags,
                                .run = do_create};
const Command kNetworkList = {.name = "ls",
                              .arguments = "",
                              .brief = "List networks",
                              .most = 0,
                              .flags = kListFlags,
                              .run = do_list};
const Command kNetworkInspect = {.name = "inspect",
                                 .arguments = "NETWORK [NETWORK...]",
                                 .brief = "Show all about networks as JSON",
                                 .least = 1,
                                 .flags = kInspectFlags,
                                 .run = do_inspect,
                                 .completes = "network"};
const Command kNetworkRemove = {.name = "rm",
                                .arguments = "NETWORK [NETWORK...]",
                                .brief = "Remove networks",
                                .least = 1,
                                .flags = kRemoveFlags,
                                .run = do_remove,
                                .completes = "network"};
const Command kNetworkPrune = {.name = "prune",
                               .arguments = "",
                               .brief = "Remove networks that nothing uses",
                               .most = 0,
                               .flags = kPruneFlags,
                               .run = do_prune};
const Command kNetworkConnect = {.name = "connect",
                                 .arguments = "NETWORK CONTAINER",
                                 .brief = "Connect a container to a network",
                                 .least = 2,
                                 .most = 2,
                                 .flags = kConnectFlags,
                                 .run = do_connect,
                                 .completes = "network"};
const Command kNetworkDisconnect = {.name = "disconnect",
                                    .arguments = "NETWORK CONTAINER",
                                    .brief = "Take a container off a network",
                                    .least = 2,
                                    .most = 2,
                                    .flags = kDisconnectFlags,
                                    .run = do_disconnect,
                                    .completes = "network"};

}  // namespace proa::cli
