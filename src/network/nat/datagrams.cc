#include "network/nat/datagrams.h"

#include <linux/netlink.h>
#include <netinet/in.h>

#include <map>

#include "kernel/netlink/conntrack.h"
#include "kernel/socket/internet.h"

namespace proa::network {
namespace {

// Addresses of this host, asked once each.
class LocalAddresses {
 public:
  bool contains(const IpAddress& address) {
    const auto [known, fresh] = known_.try_emplace(address, false);
    if (fresh) known->second = socket::bind_internet(socket::Transport::udp, {address, 0}).ok();
    return known->second;
  }

 private:
  std::map<IpAddress, bool> known_;
};

bool goes_by(const Forward& forward, const netlink::Connection& connection, LocalAddresses& local) {
  if (connection.original.destination_port != forward.host_port) return false;
  if (connection.reply.source == forward.target) return true;
  const IpAddress& destination = connection.original.destination;
  return forward.address.is_any() ? local.contains(destination) : destination == forward.address;
}

}  // namespace

Result<void> forget_datagrams(const std::vector<Forward>& forwards) {
  LocalAddresses local;
  for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    std::vector<const Forward*> concerned;
    for (const Forward& forward : forwards) {
      const bool same = forward.target.is_v6() == (family == AF_INET6);
      if (forward.protocol == IPPROTO_UDP && same) concerned.push_back(&forward);
    }
    if (concerned.empty()) continue;
    auto socket = TRY(netlink::NetlinkSocket::open(NETLINK_NETFILTER));
    std::vector<netlink::Request> requests;
    for (const auto& connection : TRY(netlink::list_connections(socket, family, IPPROTO_UDP))) {
      for (const Forward* forward : concerned) {
        if (!goes_by(*forward, connection, local)) continue;
        requests.push_back(netlink::forget_connection(family, connection));
        break;
      }
    }
    if (!requests.empty()) TRY(socket.send(std::move(requests)));
  }
  return {};
}

}  // namespace proa::network
