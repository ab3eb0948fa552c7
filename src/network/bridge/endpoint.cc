#include "network/bridge/endpoint.h"

#include <linux/netlink.h>

#include <cerrno>

#include "base/rollback.h"
#include "kernel/file/file.h"
#include "kernel/netlink/link.h"
#include "kernel/tap/tap.h"

namespace proa::network {
namespace {

using netlink::NetlinkSocket;
using netlink::Request;

constexpr int kTapHeader = 12;  // virtio_net_hdr_v1

// A full bridge answers EXFULL, which says nothing to anybody.
Result<void> in_words(Result<void> outcome, const wire::Endpoint& endpoint) {
  if (outcome.ok() || outcome.error().errno_code() != EXFULL) return outcome;
  return fail(ErrorKind::exhausted, "the bridge '", endpoint.bridge, "' of the network '",
              endpoint.network, "' has all of its 1,023 ports in use");
}

// Where bridge netfilter (br_netfilter) is on, it translates addresses while it bridges: a frame to
// a port that the workload itself published goes back to it without having been routed.
void set_up_port(std::vector<Request>& requests, const wire::Endpoint& endpoint) {
  constexpr const char* kSwitch = "/proc/sys/net/bridge/bridge-nf-call-iptables";
  const Result<std::string> value = file::read_file(kSwitch);
  const bool on = value.ok() && trim(value.value()) == "1";
  requests.push_back(
      netlink::prepare_port(endpoint.link, on ? netlink::Hairpin::yes : netlink::Hairpin::no));
  requests.push_back(netlink::set_up(endpoint.link));
}

Result<void> configure(NetlinkSocket& socket, const wire::Endpoint& endpoint) {
  const netlink::LinkFacts link = TRY(netlink::find_link(socket, endpoint.guest_device));
  bool v6 = false;
  std::vector<HostAddress> addresses;
  for (const std::string& text : endpoint.addresses) {
    addresses.push_back(TRY(HostAddress::parse(text)));
    v6 = v6 || addresses.back().address.is_v6();
  }
  std::vector<Request> requests;
  if (!v6) requests.push_back(netlink::no_link_local(endpoint.guest_device));
  requests.push_back(netlink::set_up(endpoint.guest_device));
  for (const HostAddress& address : addresses) {
    requests.push_back(netlink::add_address(link.index, address));
  }
  for (const std::string& text : endpoint.gateways) {
    const IpAddress gateway = TRY(IpAddress::parse(text));
    requests.push_back(netlink::add_default_route(link.index, gateway, endpoint.metric));
  }
  return socket.send(std::move(requests));
}

}  // namespace

Result<void> bring_up_loopback(FdRef network_namespace) {
  NetlinkSocket socket = TRY(NetlinkSocket::open_in(network_namespace, NETLINK_ROUTE));
  std::vector<Request> requests;
  requests.push_back(netlink::set_up_index(1));
  return socket.send(std::move(requests));
}

Result<void> join_by_veth(FdRef network_namespace, const wire::Endpoint& endpoint) {
  NetlinkSocket here = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  netlink::Veth veth{.name = endpoint.link,
                     .bridge = endpoint.bridge,
                     .mtu = endpoint.mtu,
                     .peer_name = endpoint.guest_device,
                     .peer_mac = {},
                     .peer_namespace = network_namespace};
  if (!endpoint.mac.empty()) veth.peer_mac = TRY(netlink::parse_mac(endpoint.mac));
  std::vector<Request> requests;
  requests.push_back(TRY(netlink::add_veth(veth)));
  set_up_port(requests, endpoint);
  Rollback undo;
  undo.add([&] { discard(leave_by_veth(endpoint), "the namespace's end takes it along"); });
  TRY(in_words(here.send(std::move(requests)), endpoint));
  NetlinkSocket inside = TRY(NetlinkSocket::open_in(network_namespace, NETLINK_ROUTE));
  TRY(configure(inside, endpoint), "setting up ", endpoint.guest_device);
  undo.commit();
  return {};
}

Result<void> leave_by_veth(const wire::Endpoint& endpoint) {
  NetlinkSocket here = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  std::vector<Request> requests;
  requests.push_back(netlink::remove_link(endpoint.link));
  return here.send(std::move(requests));
}

Result<Fd> open_tap(const std::string& link) {
  return TRY(tap::Tap::open(link, kTapHeader)).release();
}

Result<void> join_by_tap(const std::string& link, const wire::Endpoint& endpoint) {
  NetlinkSocket here = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  std::vector<Request> requests;
  if (link != endpoint.link) {
    const netlink::LinkFacts found = TRY(netlink::find_link(here, link));
    requests.push_back(netlink::rename_link(found.index, endpoint.link));
  }
  requests.push_back(TRY(netlink::set_bridge(endpoint.link, endpoint.bridge, endpoint.mtu)));
  set_up_port(requests, endpoint);
  return in_words(here.send(std::move(requests)), endpoint);
}

Result<void> leave_by_tap(const wire::Endpoint& endpoint) {
  NetlinkSocket here = TRY(NetlinkSocket::open(NETLINK_ROUTE));
  std::vector<Request> requests;
  requests.push_back(netlink::detach(endpoint.link));
  return here.send(std::move(requests));
}

}  // namespace proa::network
