// What one workload has in force on this host: names, published ports.
#include <netinet/in.h>

#include <algorithm>

#include "base/number.h"
#include "engine/network_host.h"
#include "engine/network_mode.h"
#include "wire/codec.h"

namespace proa::engine {
namespace {

// How often another port is tried where any will do.
constexpr int kRandomTries = 20;

struct Targets {
  std::optional<IpAddress> v4, v6;
};

Result<Targets> targets_of(const Workload& workload) {
  Targets targets;
  for (const Attachment& attachment : workload.networks) {
    // What has no way out has no way in.
    if (attachment.gateway4.empty() && attachment.gateway6.empty()) continue;
    if (!targets.v4 && !attachment.ipv4.empty()) {
      targets.v4 = TRY(HostAddress::parse(attachment.ipv4)).address;
    }
    if (!targets.v6 && !attachment.ipv6.empty()) {
      targets.v6 = TRY(HostAddress::parse(attachment.ipv6)).address;
    }
  }
  return targets;
}

std::vector<std::string> names_of(const Workload& workload, const Attachment& attachment) {
  std::vector<std::string> names = {to_lower(workload.name)};
  const auto add = [&](const std::string& name) {
    const std::string lower = to_lower(name);
    if (!lower.empty() && std::ranges::find(names, lower) == names.end()) names.push_back(lower);
  };
  for (const std::string& alias : attachment.request.aliases) add(alias);
  add(workload.id.substr(0, 12));
  add(workload.config.hostname);
  return names;
}

std::vector<network::NameLink> links_of(const Attachment& attachment) {
  std::vector<network::NameLink> links;
  for (const std::string& link : attachment.request.links) {
    const auto [name, alias] = split_once(link, ':');
    links.push_back({to_lower(alias), to_lower(name)});
  }
  return links;
}

// The places that "every address" and a given one stand for.
Result<std::vector<IpAddress>> addresses_of(const PublishedPort& port) {
  if (!port.host_address.empty()) {
    return std::vector{TRY(IpAddress::parse(port.host_address))};
  }
  return std::vector{IpAddress(), IpAddress::v6({})};
}

// What was asked for by -p, and by -P every exposed port that -p does not name.
Result<std::vector<PublishedPort>> wanted_ports(const Config& config) {
  std::vector<PublishedPort> wanted = config.ports;
  if (!config.publish_all) return wanted;
  for (const std::string& exposed : config.exposed_ports) {
    const auto [number, protocol] = split_once(exposed, '/');
    const std::uint16_t port = TRY(parse_number<std::uint16_t>(number));
    const bool asked = std::ranges::any_of(wanted, [&](const PublishedPort& other) {
      return other.port == port && (other.protocol == protocol || protocol.empty());
    });
    if (asked) continue;
    wanted.push_back({.port = port, .protocol = protocol.empty() ? "tcp" : std::string(protocol)});
  }
  return wanted;
}

}  // namespace

Result<NetworkHost::Present> NetworkHost::present_of(const Workload& workload) const {
  Present present;
  for (const Attachment& attachment : workload.networks) {
    if (attachment.link.empty()) continue;
    network::NamePoint point{.workload = workload.id,
                             .network = attachment.name,
                             .internal = attachment.gateway4.empty() && attachment.gateway6.empty(),
                             .addresses = {},
                             .names = names_of(workload, attachment),
                             .servers = workload.config.dns,
                             .links = links_of(attachment)};
    for (const std::string* address : {&attachment.ipv4, &attachment.ipv6}) {
      if (!address->empty()) point.addresses.emplace_back(split_once(*address, '/').first);
    }
    present.points.push_back(std::move(point));
  }
  const Targets targets = TRY(targets_of(workload));
  for (const PublishedPort& port : workload.ports) {
    const IpAddress address = TRY(IpAddress::parse(port.host_address));
    const std::uint8_t protocol = TRY(network::protocol_number(port.protocol));
    const std::optional<IpAddress>& same = address.is_v6() ? targets.v6 : targets.v4;
    if (same && !address.is_loopback()) {
      present.forwards.push_back({protocol, address, port.host_port, *same, port.port});
    }
    // Where the kernel cannot translate: loopback, and version 6 to a workload without it.
    const std::optional<IpAddress>& target = same ? same : targets.v4;
    if (!target || (same && !address.is_loopback() && !address.is_any())) continue;
    const std::string place = !same || !address.is_any() ? address.text()
                              : address.is_v6()          ? "::1"
                                                         : "127.0.0.1";
    present.loopback.push_back({protocol, place, port.host_port, target->text(), port.port});
  }
  present.encoded = wire::encode(
      network::Records{.points = present.points, .ports = present.loopback, .stop = false});
  return present;
}

// The lowest port of those asked for, or any, that is free at all of `addresses`.
Result<std::uint16_t> NetworkHost::choose_port(const PublishedPort& port, std::uint8_t protocol,
                                               const std::vector<IpAddress>& addresses) const {
  const auto check_free = [&](std::uint16_t candidate) -> Result<void> {
    for (const IpAddress& address : addresses) {
      const network::PortClaim claim{protocol, address, candidate};
      if (const std::string* holder = book_.holder_of(claim)) {
        return fail(ErrorKind::busy, "Bind for ", address.text(), ":", candidate,
                    " failed: port is already allocated: container ", holders_.at(*holder),
                    " has it");
      }
      TRY(network::check_port_free(claim));
    }
    return {};
  };
  const bool any = port.host_port == 0;
  const int last = any ? kRandomTries : std::max(port.host_port_end - port.host_port, 0);
  for (int attempt = 0;; ++attempt) {
    const std::uint16_t candidate = any ? TRY(network::find_free_port(protocol, addresses.front()))
                                        : static_cast<std::uint16_t>(port.host_port + attempt);
    Result<void> free = check_free(candidate);
    if (free.ok()) return candidate;
    if (attempt == last || free.error().kind() != ErrorKind::busy) return std::move(free).error();
  }
}

Result<std::vector<PublishedPort>> NetworkHost::take_ports(const Workload& workload) {
  const bool reachable = std::ranges::any_of(workload.networks, [](const Attachment& attachment) {
    return !attachment.gateway4.empty() || !attachment.gateway6.empty();
  });
  if (!reachable) return std::vector<PublishedPort>();
  const std::vector<PublishedPort> wanted = TRY(wanted_ports(workload.config));
  const std::lock_guard lock(mutex_);
  // proa-net lets go of what ended workloads had there.
  TRY(flush_retired());
  holders_[workload.id] = workload.name;
  std::vector<PublishedPort> taken;
  Result<void> done = [&]() -> Result<void> {
    for (const PublishedPort& port : wanted) {
      const std::uint8_t protocol = TRY(network::protocol_number(port.protocol));
      const std::vector<IpAddress> addresses = TRY(addresses_of(port));
      const std::uint16_t chosen = TRY(choose_port(port, protocol, addresses));
      for (const IpAddress& address : addresses) {
        TRY(book_.take({protocol, address, chosen}, workload.id));
        taken.push_back(
            {port.port, std::string(network::protocol_name(protocol)), address.text(), chosen});
      }
    }
    return {};
  }();
  if (done.ok()) return taken;
  book_.release(workload.id);
  return std::move(done).error();
}

void NetworkHost::adopt(const Workload& workload) {
  Result<Present> present = present_of(workload);
  const std::lock_guard lock(mutex_);
  if (present.ok()) present_[workload.id] = present.take();
  holders_[workload.id] = workload.name;
  for (const PublishedPort& port : workload.ports) {
    const Result<IpAddress> address = IpAddress::parse(port.host_address);
    const Result<std::uint8_t> protocol = network::protocol_number(port.protocol);
    if (!address.ok() || !protocol.ok()) continue;
    discard(book_.take({protocol.value(), address.value(), port.host_port}, workload.id),
            "two records of one port: the first keeps it");
  }
}

}  // namespace proa::engine
