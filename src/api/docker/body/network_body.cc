#include "api/docker/body/network_body.h"

#include <algorithm>

#include "api/docker/body/config_body.h"
#include "api/docker/body/limits_body.h"
#include "api/route/shape.h"
#include "base/ip.h"
#include "base/number.h"

namespace proa::api::docker {

Result<engine::PublishedPort> parse_port(std::string_view text) {
  const auto [number, protocol] = split_once(text, '/');
  engine::PublishedPort port;
  port.protocol = protocol.empty() ? "tcp" : to_lower(protocol);
  const Result<std::uint16_t> parsed = parse_number<std::uint16_t>(number);
  if (!parsed.ok() || parsed.value() == 0) {
    return fail(ErrorKind::invalid_argument, "invalid port specification: \"", printable(text),
                "\"");
  }
  if (port.protocol != "tcp" && port.protocol != "udp") {
    return fail(ErrorKind::invalid_argument, "invalid port specification: \"", printable(text),
                "\": the protocol must be tcp or udp");
  }
  port.port = parsed.value();
  return port;
}

Result<void> read_exposed_ports(const json::Reader& reader, engine::Config& config) {
  for (const auto& [key, nothing] : TRY(reader.members())) {
    const engine::PublishedPort port = TRY(parse_port(key), nothing.path());
    config.exposed_ports.push_back(cat(port.port, "/", port.protocol));
  }
  return {};
}

Result<void> read_port_bindings(const json::Reader& reader, engine::Config& config) {
  for (const auto& [key, bindings] : TRY(reader.members())) {
    const engine::PublishedPort inside = TRY(parse_port(key), bindings.path());
    if (bindings.value().is_null()) continue;
    for (const json::Reader& binding : TRY(bindings.elements())) {
      engine::PublishedPort port = inside;
      std::string number;
      TRY(binding.members());
      ShapeReader visit(binding);
      visit("HostIp", port.host_address);
      visit("HostPort", number);
      TRY(visit.take());
      if (!number.empty()) {
        // "8000-8010": any free one of them.
        const auto [first, last] = split_once(number, '-');
        const Result<std::uint16_t> parsed = parse_number<std::uint16_t>(first);
        const Result<std::uint16_t> end = parse_number<std::uint16_t>(last.empty() ? first : last);
        if (!parsed.ok() || !end.ok() || end.value() < parsed.value()) {
          return fail(ErrorKind::invalid_argument, binding.path(),
                      ".HostPort: invalid port specification: \"", printable(number), "\"");
        }
        port.host_port = parsed.value();
        port.host_port_end = last.empty() ? std::uint16_t{0} : end.value();
      }
      config.ports.push_back(std::move(port));
    }
  }
  return {};
}

bool is_link_local(const IpAddress& address) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(address.bytes()[at]); };
  return address.is_v6() ? byte(0) == 0xfe && (byte(1) & 0xc0) == 0x80
                         : byte(0) == 169 && byte(1) == 254;
}

Result<void> read_links(const json::Reader& reader, engine::NetworkRequest& request) {
  std::vector<std::string> links;
  ShapeReader visit(reader);
  visit("Links", links);
  TRY(visit.take());
  for (const std::string& link : links) {
    const auto [target, alias] = split_once(link, ':');
    // As docker has it, "name" alone is known by itself.
    const std::string_view name = alias.empty() ? target : alias;
    if (target.empty() || name.find_first_of(":/ ") != std::string_view::npos) {
      return fail(ErrorKind::invalid_argument, reader.path(),
                  ".Links: bad format for links: ", printable(link, 120));
    }
    request.links.push_back(cat(target, ":", name));
  }
  return {};
}

Result<engine::NetworkRequest> read_endpoint(const std::string& network,
                                             const json::Reader& reader) {
  engine::NetworkRequest request{.network = network};
  if (reader.value().is_null()) return request;
  TRY(reader.members());
  ShapeReader visit(reader);
  visit("Aliases", request.aliases);
  visit("MacAddress", request.mac);
  visit("DriverOpts", request.driver_options);
  TRY(visit.take());
  TRY(read_links(reader, request));
  if (const auto addresses = reader.find("IPAMConfig")) {
    TRY(addresses->members());
    ShapeReader inner(*addresses);
    inner("IPv4Address", request.ipv4);
    inner("IPv6Address", request.ipv6);
    inner("LinkLocalIPs", request.link_local);
    TRY(inner.take());
    for (const std::string& text : request.link_local) {
      const Result<IpAddress> address = IpAddress::parse(text);
      if (address.ok() && is_link_local(address.value())) continue;
      return fail(ErrorKind::invalid_argument, addresses->path(),
                  ".LinkLocalIPs: invalid link local IP address: ", printable(text, 80));
    }
  }
  return request;
}

Result<void> read_endpoints(const json::Reader& reader, engine::Config& config) {
  TRY(reader.members());
  const auto endpoints = reader.find("EndpointsConfig");
  if (!endpoints) return {};
  for (const auto& [name, endpoint] : TRY(endpoints->members())) {
    config.networks.push_back(TRY(read_endpoint(std::string(name), endpoint)));
  }
  return {};
}

// The request for the network that HostConfig.NetworkMode names, made where there is none.
engine::NetworkRequest& first_request(engine::Config& config) {
  const std::string& mode = config.network_mode;
  const std::string first = mode.empty() || mode == "default" ? "bridge" : mode;
  const auto found = std::ranges::find_if(config.networks, [&](const auto& request) {
    return request.network == first || request.network == mode;
  });
  return found != config.networks.end()
             ? *found
             : config.networks.emplace_back(engine::NetworkRequest{.network = first});
}

Result<void> read_old_mac(const json::Reader& body, engine::Config& config) {
  std::string mac;
  ShapeReader visit(body);
  visit("MacAddress", mac);
  TRY(visit.take());
  if (mac.empty()) return {};
  engine::NetworkRequest& request = first_request(config);
  if (request.mac.empty()) request.mac = mac;
  return {};
}

Result<void> read_old_links(const json::Reader& host, engine::Config& config) {
  engine::NetworkRequest links;
  TRY(read_links(host, links));
  if (links.links.empty()) return {};
  const std::string& mode = config.network_mode;
  if (mode == "host" || mode.starts_with("container:")) {
    return fail(ErrorKind::invalid_argument, "conflicting options: ", split_once(mode, ':').first,
                " type networking can't be used with links");
  }
  engine::NetworkRequest& request = first_request(config);
  for (std::string& link : links.links) {
    // docker's command line gives them in both places.
    if (std::ranges::find(request.links, link) == request.links.end()) {
      request.links.push_back(std::move(link));
    }
  }
  return {};
}

json::Value print_port_bindings(const std::vector<engine::PublishedPort>& ports) {
  json::Value bindings = json::Value::object();
  for (const engine::PublishedPort& port : ports) {
    const std::string key = cat(port.port, "/", port.protocol);
    json::Value binding = json::Value::object();
    binding.set("HostIp", port.host_address);
    binding.set("HostPort", port.host_port == 0 ? std::string() : cat(port.host_port));
    const json::Value* present = bindings.find(key);
    json::Value list = present == nullptr ? json::Value::array() : *present;
    list.push(std::move(binding));
    bindings.set(key, std::move(list));
  }
  return bindings;
}

}  // namespace proa::api::docker
