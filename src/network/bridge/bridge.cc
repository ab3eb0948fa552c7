#include "network/bridge/bridge.h"

#include <linux/netlink.h>

#include "kernel/netlink/link.h"

namespace proa::network {

using netlink::NetlinkSocket;

Result<void> ensure_bridge(const BridgePlan& plan) {
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  // The gateway's own address makes the MAC: the same again after a restart.
  std::string mac = {2, 0x42};
  for (const HostAddress& address : plan.addresses) {
    const std::string_view bytes = address.address.bytes();
    mac += bytes.substr(bytes.size() - 4);
    break;
  }
  mac.resize(6, '\0');
  std::vector<netlink::Request> made;
  made.push_back(netlink::add_bridge({plan.name, mac, plan.mtu}));
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

Result<void> remove_bridge(const std::string& name) {
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  std::vector<netlink::Request> requests;
  requests.push_back(netlink::remove_link(name));
  return socket.send(std::move(requests));
}

Result<std::vector<std::string>> links_called(const std::string& prefix) {
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  std::vector<std::string> names;
  for (const netlink::LinkFacts& link : TRY(netlink::list_links(socket))) {
    if (link.name.starts_with(prefix)) names.push_back(link.name);
  }
  return names;
}

Result<std::vector<Subnet>> host_subnets() {
  NetlinkSocket socket = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  return netlink::routed_subnets(socket);
}

}  // namespace proa::network
