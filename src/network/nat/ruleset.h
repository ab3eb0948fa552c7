// The one static nftables rule set of an engine: table `inet proa<tag>`. A network adds elements to
// its sets, a published port an element to its maps; rules are added by nobody. What it says is in
// docs/network.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace proa::network {

// What the rule set has to know of a network.
struct Filtered {
  std::string bridge;
  std::vector<IpAddress> gateways;  // where workloads ask for names
  bool internal = false;
  bool masquerade = true;
};

// A published port as the rule set has it. Loopback is not its matter: proa-net serves it.
struct Forward {
  std::uint8_t protocol = 6;  // IPPROTO_*
  IpAddress address;          // of the host; any: all of its own addresses
  std::uint16_t host_port = 0;
  IpAddress target;  // of the workload, of the same IP version
  std::uint16_t port = 0;
  bool operator==(const Forward&) const = default;
};

// Thread: none of its own; the owner locks. Works on the calling thread's network namespace.
class RuleSet {
 public:
  explicit RuleSet(std::string tag) : table_("proa" + tag) {}

  // Puts the whole rule set up in one transaction, whatever was there; `proa-user` alone keeps
  // what it has. `names_port`: where proa-net listens.
  Result<void> install(const std::vector<Filtered>& networks, const std::vector<Forward>& forwards,
                       std::uint16_t names_port);
  // One that is not there is no error.
  Result<void> remove();
  Result<void> add(const Filtered& network);
  // What is not there is no error.
  Result<void> remove(const Filtered& network);
  // Errors: already_exists (another forward has the place)
  Result<void> add(const std::vector<Forward>& forwards);
  Result<void> remove(const std::vector<Forward>& forwards);

 private:
  std::string table_;
};

}  // namespace proa::network
