// What the engine tells proa-net: who is on which network under which names, and which ports it
// serves on loopback. One file, RUN/net/records, replaced by rename; docs/formats/records.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fields.h"

namespace proa::network {

// A name that one workload alone knows, for what others know by `name`.
struct NameLink {
  std::string alias, name;  // lower case
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "alias", self.alias);
    visit(2, "name", self.name);
  }
};

// One workload on one network.
struct NamePoint {
  std::string workload;                // id
  std::string network;                 // name
  bool internal = false;               // of the network
  std::vector<std::string> addresses;  // "10.208.0.2", "fd00::2"
  std::vector<std::string> names;      // lower case; the first is the one that an address has
  std::vector<std::string> servers;    // the workload's own (--dns); empty: the host's
  std::vector<NameLink> links;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "workload", self.workload);
    visit(2, "network", self.network);
    visit(3, "internal", self.internal);
    visit(4, "addresses", self.addresses);
    visit(5, "names", self.names);
    visit(6, "servers", self.servers);
    visit(7, "links", self.links);
  }
};

// A published port as clients on the host's loopback reach it.
struct LoopbackPort {
  std::uint8_t protocol = 6;  // IPPROTO_*
  std::string address;        // "127.0.0.1", "::1"
  std::uint16_t host_port = 0;
  std::string target;
  std::uint16_t port = 0;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "protocol", self.protocol);
    visit(2, "address", self.address);
    visit(3, "host_port", self.host_port);
    visit(4, "target", self.target);
    visit(5, "port", self.port);
  }
  auto operator<=>(const LoopbackPort&) const = default;
};

struct Records {
  std::vector<NamePoint> points;
  std::vector<LoopbackPort> ports;
  bool stop = false;  // proa-net is not needed any more
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "points", self.points);
    visit(2, "ports", self.ports);
    visit(3, "stop", self.stop);
  }
};

}  // namespace proa::network
