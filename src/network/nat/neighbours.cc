#include "network/nat/neighbours.h"

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netlink.h>

#include "kernel/netlink/nft.h"
#include "network/nat/iptables_legacy.h"

namespace proa::network {
namespace {

constexpr const char* kTable = "filter";
constexpr const char* kChain = "FORWARD";
constexpr std::uint8_t kFamily4 = NFPROTO_IPV4;
constexpr std::uint8_t kFamily6 = NFPROTO_IPV6;

}  // namespace

Result<void> allow_beside_neighbours(const std::string& bridge) {
  netlink::NetlinkSocket socket = TRY(netlink::NetlinkSocket::open(NETLINK_NETFILTER));
  for (const std::uint8_t family : {kFamily4, kFamily6}) {
    // "No such chain" is how a host without a neighbour looks.
    const auto rules = netlink::list_rules(socket, family, kTable, kChain, bridge);
    if (!rules.ok() || !rules.value().empty()) continue;
    if (!netlink::has_chain(socket, family, kTable, kChain)) continue;
    netlink::NftBatch batch(kTable, family);
    batch.insert_rule(kChain, netlink::NftRule().input_link_is(bridge).accept(), bridge);
    batch.insert_rule(kChain, netlink::NftRule().output_link_is(bridge).accept(), bridge);
    TRY(std::move(batch).apply(socket));
  }
  return allow_in_legacy(bridge);
}

Result<NeighbourWatch> watch_neighbours() { return NeighbourWatch::open(kTable); }

Result<void> forget_neighbours(const std::string& bridge) {
  netlink::NetlinkSocket socket = TRY(netlink::NetlinkSocket::open(NETLINK_NETFILTER));
  for (const std::uint8_t family : {kFamily4, kFamily6}) {
    const auto rules = netlink::list_rules(socket, family, kTable, kChain, bridge);
    if (!rules.ok() || rules.value().empty()) continue;
    netlink::NftBatch batch(kTable, family);
    for (const std::uint64_t handle : rules.value()) batch.remove_rule(kChain, handle);
    TRY(std::move(batch).apply(socket));
  }
  return forget_in_legacy(bridge);
}

}  // namespace proa::network
