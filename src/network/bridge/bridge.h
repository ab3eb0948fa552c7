// A network's bridge on this host: made, given its gateway's addresses, removed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace proa::network {

struct BridgePlan {
  std::string name;
  std::vector<HostAddress> addresses;  // of the gateway, one of each IP version
  std::uint32_t mtu = 0;               // 0: the kernel's default
};

// Makes it and brings it up; one that exists is completed.
// Errors: already_exists (the name is another kind of link's)
Result<void> ensure_bridge(const BridgePlan& plan);
// Takes away what ensure_bridge made. Somebody else's bridge, which has another MAC, stays; one
// that is not there is no error.
Result<void> remove_bridge(const BridgePlan& plan);

// Every subnet that this host has an address in or a route to, default routes left out.
Result<std::vector<Subnet>> host_subnets();

}  // namespace proa::network
