// What a workload holds on one network. Part of its record in state.db.
#pragma once

#include <cstdint>
#include <string>

#include "base/fields.h"
#include "engine/config.h"

namespace proa::engine {

// Asked for once and kept: network, request. Chosen while a shim carries the workload and empty
// else: endpoint id, link, device, addresses.
struct Attachment {
  std::string network;  // the network's id
  std::string name;     // the network's name
  NetworkRequest request;
  std::string endpoint;    // 64 hex digits
  std::string link;        // the host's end
  std::string device;      // "eth0"
  std::string mac;         // "02:42:0a:d0:00:02"
  std::string ipv4, ipv6;  // "10.208.0.2/20"; "" where the network has none
  std::string gateway4, gateway6;
  std::uint32_t metric = 0;  // of its default route; the lowest wins
  std::string bridge;
  std::uint32_t mtu = 0;
  std::string resolver;  // where it asks for names: the gateway's address
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "network", self.network);
    visit(2, "name", self.name);
    visit(3, "request", self.request);
    visit(4, "endpoint", self.endpoint);
    visit(5, "link", self.link);
    visit(6, "device", self.device);
    visit(7, "mac", self.mac);
    visit(8, "ipv4", self.ipv4);
    visit(9, "ipv6", self.ipv6);
    visit(10, "gateway4", self.gateway4);
    visit(11, "gateway6", self.gateway6);
    visit(12, "metric", self.metric);
    visit(13, "bridge", self.bridge);
    visit(14, "mtu", self.mtu);
    visit(15, "resolver", self.resolver);
  }
  bool held() const { return !endpoint.empty(); }
};

}  // namespace proa::engine
