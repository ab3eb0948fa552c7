// Addresses of networks: choosing subnets at create, leasing addresses at start.
#include <algorithm>

#include "base/id.h"
#include "base/number.h"
#include "engine/live_networks.h"
#include "network/bridge/bridge.h"

namespace proa::engine {
namespace {

// A bridge has 1,024 ports, the first of which the kernel never gives out.
constexpr std::size_t kBridgePorts = 1023;

// Engines that were started at the same moment do not see each other's bridges yet: each begins
// to look at a place that its tag gives.
Result<std::vector<network::SubnetRange>> default_ranges(const std::string& tag) {
  const Result<std::uint32_t> first = parse_number<std::uint32_t>(tag, 16);
  std::vector<network::SubnetRange> ranges;
  for (const auto& [text, prefix] :
       {std::pair{"10.208.0.0/12", 20}, {"172.16.0.0/12", 20}, {"192.168.0.0/16", 24}}) {
    ranges.push_back({TRY(Subnet::parse(text)), prefix, first.ok() ? first.value() : 0});
  }
  return ranges;
}

// A unique local range: 40 random bits, then 16 that count subnets (RFC 4193).
network::SubnetRange unique_local_range() {
  std::array<std::uint8_t, 16> bytes = {};
  const std::string digits = random_hex(10);
  bytes[0] = 0xfd;
  for (std::size_t at = 0; at < 5; ++at) {
    bytes[at + 1] = static_cast<std::uint8_t>(std::stoi(digits.substr(at * 2, 2), nullptr, 16));
  }
  return {Subnet{IpAddress::v6(bytes), 48}, 64, 0};
}

Result<network::AddressPool::Shape> shape_of(const AddressPool& pool) {
  network::AddressPool::Shape shape{TRY(Subnet::parse(pool.subnet)), {}, {}, {}};
  shape.gateway = TRY(IpAddress::parse(pool.gateway));
  if (!pool.range.empty()) shape.range = TRY(Subnet::parse(pool.range));
  for (const auto& [name, address] : pool.reserved) {
    shape.reserved.insert(TRY(IpAddress::parse(address)));
  }
  return shape;
}

std::string mac_of(const IpAddress& address) {
  const std::string_view bytes = address.bytes();
  std::string mac = "02:42";
  for (const char byte : bytes.substr(bytes.size() - 4)) {
    mac += cat(":", to_hex(std::string_view(&byte, 1)));
  }
  return mac;
}

}  // namespace

Result<LiveNetworks::Known> LiveNetworks::known_of(Network network) {
  Known known{std::move(network), {}, 0};
  for (const AddressPool& pool : known.network.pools) {
    network::AddressPool::Shape shape = TRY(shape_of(pool));
    known.pools.push_back(TRY(network::AddressPool::make(std::move(shape))));
  }
  return known;
}

Result<std::vector<Subnet>> LiveNetworks::taken_subnets() {
  // What the host reaches by other ways stays reachable; our own bridges are among them.
  std::vector<Subnet> taken = TRY(network::host_subnets());
  for (const auto& [id, known] : known_) {
    for (const network::AddressPool& pool : known.pools) taken.push_back(pool.subnet());
  }
  return taken;
}

// Fills in what the caller left open.
Result<void> LiveNetworks::complete(Network& network) {
  if (network.driver != NetworkDriver::bridge) return {};
  if (network.bridge.empty()) network.bridge = cat("pr", tag_, "-", network.id.substr(0, 8));
  if (network.bridge.size() > 15) {
    return fail(ErrorKind::invalid_argument, "the link name '", printable(network.bridge, 40),
                "' is too long");
  }
  std::vector<Subnet> taken = TRY(taken_subnets());
  bool has[2] = {false, false};
  for (AddressPool& pool : network.pools) {
    if (pool.subnet.empty()) continue;
    const Subnet subnet = TRY(Subnet::parse(pool.subnet));
    for (const Subnet& other : taken) {
      if (subnet.overlaps(other)) {
        return fail(ErrorKind::busy,
                    "Pool overlaps with other one on this address space: ", subnet.text(), " and ",
                    other.text());
      }
    }
    if (std::exchange(has[subnet.base.is_v6()], true)) {
      return fail(ErrorKind::unsupported, "a network has one subnet of each IP version");
    }
    taken.push_back(subnet);
  }
  std::erase_if(network.pools, [](const AddressPool& pool) { return pool.subnet.empty(); });
  if (has[1]) network.ipv6 = true;
  if (!has[0]) {
    const auto ranges = TRY(default_ranges(tag_));
    const Subnet chosen = TRY(network::choose_subnet(ranges, taken));
    network.pools.insert(network.pools.begin(), AddressPool{.subnet = chosen.text()});
  }
  if (!has[1] && network.ipv6) {
    const Subnet chosen = TRY(network::choose_subnet({unique_local_range()}, taken));
    network.pools.push_back(AddressPool{.subnet = chosen.text()});
  }
  for (AddressPool& pool : network.pools) {
    if (pool.gateway.empty()) pool.gateway = TRY(Subnet::parse(pool.subnet)).base.plus(1).text();
  }
  return {};
}

Result<Attachment> LiveNetworks::lease(const Attachment& wanted) {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(wanted.network);
  if (found == known_.end()) {
    return fail(ErrorKind::not_found, "network ", wanted.name, " not found");
  }
  Known& known = found->second;
  Attachment leased = wanted;
  leased.endpoint = random_hex(64);
  if (known.network.driver != NetworkDriver::bridge) return leased;
  if (known.ports >= kBridgePorts) {
    return fail(ErrorKind::exhausted, "network ", known.network.name,
                " has 1,023 workloads: a bridge carries no more");
  }
  std::vector<std::pair<network::AddressPool*, IpAddress>> taken;
  const auto lease_all = [&]() -> Result<void> {
    for (network::AddressPool& pool : known.pools) {
      const bool v6 = pool.subnet().base.is_v6();
      const std::string& fixed = v6 ? wanted.request.ipv6 : wanted.request.ipv4;
      IpAddress address;
      if (fixed.empty()) {
        address = TRY(pool.lease());
      } else {
        address = TRY(IpAddress::parse(fixed));
        TRY(pool.take(address));
      }
      taken.emplace_back(&pool, address);
      (v6 ? leased.ipv6 : leased.ipv4) = HostAddress{address, pool.subnet().prefix}.text();
      if (leased.resolver.empty()) leased.resolver = pool.gateway().text();
      if (!known.network.internal) {
        (v6 ? leased.gateway6 : leased.gateway4) = pool.gateway().text();
      }
    }
    return {};
  };
  Result<void> done = lease_all();
  if (!done.ok()) {
    for (auto& [pool, address] : taken) pool->release(address);
    return std::move(done).error();
  }
  ++known.ports;
  leased.link = cat("pv", tag_, leased.endpoint.substr(0, 8));
  leased.mac = wanted.request.mac.empty() ? mac_of(taken.front().second) : wanted.request.mac;
  leased.bridge = known.network.bridge;
  leased.mtu = known.network.mtu;
  return leased;
}

Result<void> LiveNetworks::adopt(const Attachment& held) {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(held.network);
  if (found == known_.end() || !held.held()) return {};
  if (found->second.network.driver != NetworkDriver::bridge) return {};
  ++found->second.ports;
  for (const std::string* text : {&held.ipv4, &held.ipv6}) {
    if (text->empty()) continue;
    const HostAddress address = TRY(HostAddress::parse(*text));
    for (network::AddressPool& pool : found->second.pools) {
      if (pool.subnet().contains(address.address)) TRY(pool.take(address.address));
    }
  }
  return {};
}

Attachment LiveNetworks::release(const Attachment& held) {
  Attachment left{.network = held.network, .name = held.name, .request = held.request};
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(held.network);
  if (found == known_.end() || held.link.empty()) return left;
  --found->second.ports;
  released_.notify_all();
  for (const std::string* text : {&held.ipv4, &held.ipv6}) {
    const Result<HostAddress> address = HostAddress::parse(*text);
    if (!address.ok()) continue;
    for (network::AddressPool& pool : found->second.pools) pool.release(address.value().address);
  }
  return left;
}

}  // namespace proa::engine
