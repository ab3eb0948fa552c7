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

// The one that the kernel would choose for a MAC.
//
// Spec: RFC 4291, appendix A
Result<HostAddress> link_local_of(std::string_view mac) {
  if (mac.size() != 6) return fail(ErrorKind::internal, "a MAC has six bytes");
  std::string bytes("\xfe\x80\0\0\0\0\0\0", 8);
  bytes += static_cast<char>(mac[0] ^ 2);
  bytes += mac.substr(1, 2);
  bytes += "\xff\xfe";
  bytes += mac.substr(3);
  return HostAddress{IpAddress::from_bytes(bytes).value_or(IpAddress()), 64};
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
  bool v6 = false;
  for (const HostAddress& address : plan.addresses) {
    requests.push_back(netlink::add_address(link.index, address));
    v6 = v6 || address.address.is_v6();
  }
  // Neighbours are asked for from this address: where the kernel gave it, it would not be usable
  // for two seconds after the first workload's start, and nothing was forwarded there over
  // version 6.
  if (v6) requests.push_back(netlink::add_address(link.index, TRY(link_local_of(link.mac))));
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
