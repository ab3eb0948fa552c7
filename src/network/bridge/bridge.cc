#include "network/bridge/bridge.h"

#include <linux/netlink.h>

#include <cerrno>

#include "kernel/netlink/link.h"

namespace proa::network {

using netlink::NetlinkSocket;

namespace {

// The gateway's own address makes the MAC: the same again after a restart.
std::string mac_of(const BridgePlan& plan) {
  std::string mac = {2, 0x42};
  if (!plan.addresses.empty()) {
    const std::string_view bytes = plan.addresses.front().address.bytes();
    mac += bytes.substr(bytes.size() - 4);
  }
  mac.resize(6, '\0');
  return mac;
}

}  // namespace

Result<void> ensure_bridge(const BridgePlan& plan) {
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  std::vector<netlink::Request> made;
  made.push_back(netlink::add_bridge({plan.name, mac_of(plan), plan.mtu}));
  TRY(socket.send(std::move(made)));
  const netlink::LinkFacts link = TRY(netlink::find_link(socket, plan.name));
  if (link.kind != "bridge") {
    return fail(ErrorKind::already_exists, "the link '", plan.name, "' exists and is not a bridge");
  }
  std::vector<netlink::Request> requests;
  for (const HostAddress& address : plan.addresses) {
    requests.push_back(netlink::add_address(link.index, address));
  }
  requests.push_back(netlink::set_up_index(link.index));
  return socket.send(std::move(requests));
}

Result<void> remove_bridge(const BridgePlan& plan) {
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  const Result<netlink::LinkFacts> link = netlink::find_link(socket, plan.name);
  if (!link.ok() && link.error().errno_code() == ENODEV) return {};
  if (!link.ok()) return link.error();
  if (link.value().kind != "bridge" || link.value().mac != mac_of(plan)) return {};
  std::vector<netlink::Request> requests;
  requests.push_back(netlink::remove_link(plan.name));
  return socket.send(std::move(requests));
}

Result<std::vector<Subnet>> host_subnets() {
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  return netlink::routed_subnets(socket);
}

}  // namespace proa::network
