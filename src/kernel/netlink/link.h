// Requests of the routing family: links, addresses, routes. Each function makes one Request; a
// caller puts as many as belong together into one NetlinkSocket::send.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/ip.h"
#include "base/result.h"
#include "kernel/netlink/netlink_socket.h"

namespace proa::netlink {

// Six bytes. Errors: invalid_argument (not "xx:xx:xx:xx:xx:xx", or a group address)
Result<std::string> parse_mac(std::string_view text);

// Units: mtu in bytes, 0 is the kernel's default.
struct Veth {
  std::string name;    // of the end here
  std::string bridge;  // that this end joins
  std::uint32_t mtu = 0;
  std::string peer_name;
  std::string peer_mac;  // six bytes; "" is the kernel's choice
  FdRef peer_namespace;  // where the other end is born
};
// The pair, its end here a port of the bridge, both ends down.
Result<Request> add_veth(const Veth& veth);

struct Bridge {
  std::string name;
  std::string mac;  // six bytes: fixed, or it would change with the ports
  std::uint32_t mtu = 0;
};
// Without multicast snooping, which without a querier on the network forwards to everybody all the
// same, and has every port's timers set anew whenever one port comes or goes. One that exists is no
// error.
Request add_bridge(const Bridge& bridge);

// Keeps the kernel from giving a link an IPv6 address by itself. Of a link that is still down: the
// kernel tells of a change of one that is up, and looks through all routes and ports then.
Request no_link_local(const std::string& name);
// As no_link_local, of a bridge's port. Hairpin::yes: frames may leave by the port that they came
// in by.
enum class Hairpin : bool { no, yes };
Request prepare_port(const std::string& name, Hairpin hairpin);
Request set_up(const std::string& name);
Request set_up_index(std::uint32_t index);
// Puts a link under a bridge.
Result<Request> set_bridge(const std::string& name, const std::string& bridge, std::uint32_t mtu);
// Takes a link out of its bridge, and down.
Request detach(const std::string& name);
Request rename_link(std::uint32_t index, const std::string& name);
// A link that is not there is no error.
Request remove_link(const std::string& name);

// Usable at once: no duplicate address detection.
Request add_address(std::uint32_t index, const HostAddress& address);
Request add_default_route(std::uint32_t index, const IpAddress& gateway, std::uint32_t metric);

struct LinkFacts {
  std::uint32_t index = 0;
  std::uint32_t mtu = 0;
  std::string name;
  std::string mac;     // six bytes where it has one
  std::string kind;    // "bridge", "veth", "tun", ""
  std::string master;  // index of its bridge as text, "" for none
};
// Errors: not_found
Result<LinkFacts> find_link(NetlinkSocket& socket, const std::string& name);
Result<std::vector<LinkFacts>> list_links(NetlinkSocket& socket);

// Every subnet that this host has a route or an address in, default routes left out.
Result<std::vector<Subnet>> routed_subnets(NetlinkSocket& socket);

}  // namespace proa::netlink
