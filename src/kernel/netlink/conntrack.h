// Connections that the kernel keeps track of (nf_conntrack): listing them, forgetting one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "kernel/netlink/netlink_socket.h"

namespace proa::netlink {

struct ConnectionEnds {
  IpAddress source, destination;
  std::uint16_t source_port = 0, destination_port = 0;
};

struct Connection {
  ConnectionEnds original;  // as the first packet had them
  ConnectionEnds reply;     // as answers have them: differs where addresses are translated
  std::string key, id;      // what the kernel knows it by
};

// Those of one IP version (AF_INET, AF_INET6) and one protocol (IPPROTO_*).
//
// Shape: `socket` of NETLINK_NETFILTER; one line for each connection of the namespace is read
Result<std::vector<Connection>> list_connections(NetlinkSocket& socket, std::uint8_t family,
                                                 std::uint8_t protocol);
// The next packet begins anew. One that is gone is no error.
Request forget_connection(std::uint8_t family, const Connection& connection);

}  // namespace proa::netlink
