// Other engines on the same host: docker sets the policy of iptables' FORWARD to DROP, which stops
// what goes to and from our bridges too, whatever our own table says.
#pragma once

#include <string>

#include "base/result.h"
#include "kernel/netlink/nft_watch.h"

namespace proa::network {

// Lets what comes from and goes to `bridge` pass iptables' FORWARD, in its nftables form and its
// legacy one, where that chain is there and our rules are not yet. Our own table decides about the
// same packets as well.
Result<void> allow_beside_neighbours(const std::string& bridge);
// Hears when that is due again: the chain came, or somebody emptied it. Of the legacy form the
// kernel does not tell.
using NeighbourWatch = netlink::NftWatch;
Result<NeighbourWatch> watch_neighbours();
// Takes those rules away again.
Result<void> forget_neighbours(const std::string& bridge);

}  // namespace proa::network
