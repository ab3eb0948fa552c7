// Networks.
#include <algorithm>

#include "api/docker/body/description.h"
#include "api/docker/body/network_body.h"
#include "api/docker/filters.h"
#include "api/docker/networks/network_show.h"
#include "api/docker/resources.h"
#include "api/route/shape.h"
#include "api/services.h"

namespace proa::api::docker {
namespace {

using json::Value;

constexpr const char* kBridgeName = "com.docker.network.bridge.name";
constexpr const char* kMtu = "com.docker.network.driver.mtu";
constexpr const char* kMasquerade = "com.docker.network.bridge.enable_ip_masquerade";

Result<void> list(Services& services, Request& request) {
  const engine::Filters filters = TRY(request.filters());
  TRY(check_filters(filters,
                    {"dangling", "driver", "id", "label", "label!", "name", "scope", "type"}));
  const auto dangling = TRY(flag_filter(filters, "dangling"));
  const auto any = [&](const char* key, auto holds) {
    const auto values = filters.find(key);
    return values == filters.end() || std::ranges::any_of(values->second, holds);
  };
  Value networks = Value::array();
  for (const engine::Network& network : TRY(services.engine.networks().list())) {
    const bool wanted =
        any("name",
            [&](const std::string& value) {
              return network.name.find(value) != std::string::npos;
            }) &&
        any("id", [&](const std::string& value) { return network.id.starts_with(value); }) &&
        any("driver",
            [&](const std::string& value) { return engine::name(network.driver) == value; }) &&
        any("scope", [](const std::string& value) { return value == "local"; }) &&
        any("type",
            [&](const std::string& value) { return (value == "builtin") == network.built_in; });
    if (!wanted || !labels_match(network.labels, filters)) continue;
    if (dangling) {
      const bool unused = TRY(services.engine.networks().members(network.id)).empty();
      if ((unused && !network.built_in) != *dangling) continue;
    }
    networks.push(print_network(network, {}));
  }
  return request.reply(200, networks);
}

Result<void> inspect(Services& services, Request& request) {
  const engine::Network network = TRY(services.engine.networks().inspect(request.name("name")));
  const auto members = TRY(services.engine.networks().members(network.id));
  return request.reply(200, print_network(network, members));
}

Result<std::vector<engine::AddressPool>> read_pools(const json::Reader& addressing) {
  std::vector<engine::AddressPool> pools;
  std::string driver;
  ShapeReader visit(addressing);
  visit("Driver", driver);
  TRY(visit.take());
  if (!driver.empty() && driver != "default") {
    return fail(ErrorKind::not_found, "plugin \"", printable(driver), "\" not found");
  }
  const auto config = addressing.find("Config");
  if (!config || config->value().is_null()) return pools;
  for (const json::Reader& element : TRY(config->elements())) {
    engine::AddressPool& pool = pools.emplace_back();
    ShapeReader inner(element);
    inner("Subnet", pool.subnet);
    inner("Gateway", pool.gateway);
    inner("IPRange", pool.range);
    inner("AuxiliaryAddresses", pool.reserved);
    TRY(inner.take());
  }
  return pools;
}

// What docker's bridge driver knows and we have, too; the rest is kept and shown.
Result<void> read_options(engine::Network& network) {
  for (const auto& [key, value] : network.options) {
    if (key == kBridgeName) network.bridge = value;
    if (key == kMtu) network.mtu = TRY(parse_number<std::uint32_t>(value), "option ", key);
    if (key == kMasquerade) network.masquerade = value != "false" && value != "0";
  }
  return {};
}

Result<void> create(Services& services, Request& request) {
  const Value document = TRY(request.body());
  const json::Reader reader(document, "body");
  TRY(check_body(reader, Body::network));
  engine::Network network;
  std::string driver, scope;
  bool ingress = false, config_only = false;
  ShapeReader visit(reader);
  visit("Name", network.name);
  visit("Driver", driver);
  visit("Scope", scope);
  visit("Internal", network.internal);
  visit("Attachable", network.attachable);
  visit("Ingress", ingress);
  visit("ConfigOnly", config_only);
  visit("EnableIPv6", network.ipv6);
  visit("Options", network.options);
  visit("Labels", network.labels);
  TRY(visit.take());
  if (ingress || config_only || scope == "swarm") {
    return fail(ErrorKind::unsupported, "swarm networks are not supported");
  }
  if (!driver.empty() && driver != "bridge" && driver != "default") {
    return fail(ErrorKind::not_found, "could not find plugin ", printable(driver),
                " in v1 plugin registry: plugin not found");
  }
  if (const auto addressing = reader.find("IPAM"); addressing && !addressing->value().is_null()) {
    network.pools = TRY(read_pools(*addressing));
  }
  TRY(read_options(network));
  const engine::Network made = TRY(services.engine.networks().create(std::move(network)));
  Value answer = Value::object();
  answer.set("Id", made.id);
  answer.set("Warning", "");
  return request.reply(201, answer);
}

Result<void> remove(Services& services, Request& request) {
  TRY(services.engine.networks().remove(request.name("name")));
  return request.reply(204);
}

Result<std::string> container_in(const json::Reader& body) {
  std::string container;
  ShapeReader visit(body);
  visit("Container", container);
  TRY(visit.take());
  return container;
}

Result<void> connect(Services& services, Request& request) {
  const Value document = TRY(request.body());
  const json::Reader reader(document, "body");
  TRY(check_body(reader, Body::connect));
  const std::string container = TRY(container_in(reader));
  engine::NetworkRequest wanted;
  if (const auto endpoint = reader.find("EndpointConfig")) {
    wanted = TRY(read_endpoint(request.name("name"), *endpoint));
  }
  TRY(services.engine.networks().connect(request.name("name"), container, std::move(wanted)));
  return request.reply(200);
}

Result<void> disconnect(Services& services, Request& request) {
  const Value document = TRY(request.body());
  const json::Reader reader(document, "body");
  TRY(check_body(reader, Body::disconnect));
  const std::string container = TRY(container_in(reader));
  TRY(services.engine.networks().disconnect(request.name("name"), container));
  return request.reply(200);
}

Result<void> prune(Services& services, Request& request) {
  engine::Filters filters = TRY(request.filters());
  TRY(check_filters(filters, {"label", "label!", "until"}));
  if (const auto until = TRY(until_filter(filters))) {
    filters["until"] = {cat(*until / 1'000'000'000)};
  }
  const std::vector<std::string> names = TRY(services.engine.networks().prune(filters));
  Value answer = Value::object();
  answer.set("NetworksDeleted", names.empty() ? Value() : Value(names));
  return request.reply(200, answer);
}

}  // namespace

void add_networks(Routes& routes) {
  routes.insert(routes.end(), {
                                  {"GET", "/networks", list},
                                  {"POST", "/networks/create", create},
                                  {"POST", "/networks/prune", prune},
                                  {"GET", "/networks/{name}", inspect},
                                  {"DELETE", "/networks/{name}", remove},
                                  {"POST", "/networks/{name}/connect", connect},
                                  {"POST", "/networks/{name}/disconnect", disconnect},
                              });
}

}  // namespace proa::api::docker
