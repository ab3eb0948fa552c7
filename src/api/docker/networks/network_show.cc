#include "api/docker/networks/network_show.h"

#include <algorithm>

#include "api/docker/containers/container_show.h"
#include "api/route/shape.h"
#include "base/ip.h"
#include "base/number.h"

namespace proa::api::docker {
namespace {

using engine::Attachment;
using engine::Workload;
using json::Value;

std::string address_in(const std::string& text) { return std::string(split_once(text, '/').first); }

int prefix_in(const std::string& text) {
  const Result<HostAddress> address = HostAddress::parse(text);
  return address.ok() ? address.value().prefix : 0;
}

Value print_endpoint(const Workload& workload, const Attachment& attachment) {
  Value value = Value::object();
  const auto& request = attachment.request;
  Value fixed;
  if (!request.ipv4.empty() || !request.ipv6.empty() || !request.link_local.empty()) {
    fixed = Value::object();
    if (!request.link_local.empty()) fixed.set("LinkLocalIPs", Value(request.link_local));
    if (!request.ipv4.empty()) fixed.set("IPv4Address", request.ipv4);
    if (!request.ipv6.empty()) fixed.set("IPv6Address", request.ipv6);
  }
  value.set("IPAMConfig", std::move(fixed));
  value.set("Links", request.links.empty() ? Value() : Value(request.links));
  // On networks of the user's own the short id is a name, too.
  std::vector<std::string> aliases = request.aliases;
  std::vector<std::string> names = {workload.name};
  names.insert(names.end(), aliases.begin(), aliases.end());
  names.push_back(workload.id.substr(0, 12));
  if (attachment.name != "bridge") aliases.push_back(workload.id.substr(0, 12));
  value.set("Aliases", aliases.empty() ? Value() : Value(aliases));
  value.set("MacAddress", attachment.mac.empty() ? request.mac : attachment.mac);
  value.set("NetworkID", attachment.network);
  value.set("EndpointID", attachment.endpoint);
  value.set("Gateway", attachment.gateway4);
  value.set("IPAddress", address_in(attachment.ipv4));
  value.set("IPPrefixLen", prefix_in(attachment.ipv4));
  value.set("IPv6Gateway", attachment.gateway6);
  value.set("GlobalIPv6Address", address_in(attachment.ipv6));
  value.set("GlobalIPv6PrefixLen", prefix_in(attachment.ipv6));
  value.set("DriverOpts",
            request.driver_options.empty() ? Value() : print_shape(request.driver_options));
  value.set("DNSNames", names);
  return value;
}

// Every exposed port, and for those that are published where.
Value print_port_map(const Workload& workload) {
  Value ports = Value::object();
  for (const std::string& exposed : workload.config.exposed_ports) ports.set(exposed, nullptr);
  for (const engine::PublishedPort& port : workload.ports) {
    const std::string key = cat(port.port, "/", port.protocol);
    Value binding = Value::object();
    binding.set("HostIp", port.host_address);
    binding.set("HostPort", cat(port.host_port));
    const Value* present = ports.find(key);
    Value list = present == nullptr || present->is_null() ? Value::array() : *present;
    list.push(std::move(binding));
    ports.set(key, std::move(list));
  }
  return ports;
}

Value print_pool(const engine::AddressPool& pool) {
  Value value = Value::object();
  value.set("Subnet", pool.subnet);
  if (!pool.range.empty()) value.set("IPRange", pool.range);
  value.set("Gateway", pool.gateway);
  if (!pool.reserved.empty()) value.set("AuxiliaryAddresses", print_shape(pool.reserved));
  return value;
}

}  // namespace

Value print_network(const engine::Network& network, const std::vector<engine::Member>& members) {
  Value value = Value::object();
  value.set("Name", network.name);
  value.set("Id", network.id);
  value.set("Created", moment_text(network.created));
  value.set("Scope", "local");
  value.set("Driver", engine::name(network.driver));
  value.set("EnableIPv6", network.ipv6);
  Value addresses = Value::object();
  addresses.set("Driver", "default");
  addresses.set("Options", nullptr);
  Value pools = Value::array();
  for (const engine::AddressPool& pool : network.pools) pools.push(print_pool(pool));
  addresses.set("Config", std::move(pools));
  value.set("IPAM", std::move(addresses));
  value.set("Internal", network.internal);
  value.set("Attachable", network.attachable);
  value.set("Ingress", false);
  Value from = Value::object();
  from.set("Network", "");
  value.set("ConfigFrom", std::move(from));
  value.set("ConfigOnly", false);
  Value containers = Value::object();
  for (const engine::Member& member : members) {
    Value one = Value::object();
    one.set("Name", member.name);
    one.set("EndpointID", member.attachment.endpoint);
    one.set("MacAddress", member.attachment.mac);
    one.set("IPv4Address", member.attachment.ipv4);
    one.set("IPv6Address", member.attachment.ipv6);
    containers.set(member.workload, std::move(one));
  }
  value.set("Containers", std::move(containers));
  value.set("Options", print_shape(network.options));
  value.set("Labels", print_shape(network.labels));
  return value;
}

Value print_endpoints(const Workload& workload) {
  Value networks = Value::object();
  for (const Attachment& attachment : workload.networks) {
    networks.set(attachment.name, print_endpoint(workload, attachment));
  }
  return networks;
}

Value print_network_settings(const Workload& workload) {
  Value settings = Value::object();
  settings.set("Bridge", "");
  settings.set("SandboxID", "");
  settings.set("SandboxKey", "");
  settings.set("HairpinMode", false);
  settings.set("LinkLocalIPv6Address", "");
  settings.set("LinkLocalIPv6PrefixLen", 0);
  settings.set("SecondaryIPAddresses", nullptr);
  settings.set("SecondaryIPv6Addresses", nullptr);
  settings.set("Ports", print_port_map(workload));
  // The old top-level fields tell of the default network alone.
  const auto standard = std::ranges::find(workload.networks, "bridge", &Attachment::name);
  const Attachment none;
  const Attachment& shown = standard == workload.networks.end() ? none : *standard;
  settings.set("EndpointID", shown.endpoint);
  settings.set("Gateway", shown.gateway4);
  settings.set("GlobalIPv6Address", address_in(shown.ipv6));
  settings.set("GlobalIPv6PrefixLen", prefix_in(shown.ipv6));
  settings.set("IPAddress", address_in(shown.ipv4));
  settings.set("IPPrefixLen", prefix_in(shown.ipv4));
  settings.set("IPv6Gateway", shown.gateway6);
  settings.set("MacAddress", shown.mac);
  settings.set("Networks", print_endpoints(workload));
  return settings;
}

Value print_port_list(const Workload& workload) {
  Value ports = Value::array();
  std::vector<std::string> published;
  for (const engine::PublishedPort& port : workload.ports) {
    Value one = Value::object();
    one.set("IP", port.host_address);
    one.set("PrivatePort", port.port);
    one.set("PublicPort", port.host_port);
    one.set("Type", port.protocol);
    ports.push(std::move(one));
    published.push_back(cat(port.port, "/", port.protocol));
  }
  if (!engine::is_up(workload.state.phase)) return ports;
  for (const std::string& exposed : workload.config.exposed_ports) {
    if (std::ranges::find(published, exposed) != published.end()) continue;
    const auto [number, protocol] = split_once(exposed, '/');
    const Result<std::uint16_t> port = parse_number<std::uint16_t>(number);
    if (!port.ok()) continue;
    Value one = Value::object();
    one.set("PrivatePort", port.value());
    one.set("Type", protocol.empty() ? "tcp" : std::string(protocol));
    ports.push(std::move(one));
  }
  return ports;
}

}  // namespace proa::api::docker
