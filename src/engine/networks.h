// Networks and who is on them. A network is a record in state.db; its bridge exists from its first
// workload on. What a workload holds on a network (its address, its name) is an Attachment in that
// workload's own record, so that the two can never disagree; addresses are leased while a shim
// carries the workload, as id ranges are.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/result.h"
#include "engine/attachment.h"
#include "engine/config.h"

namespace proa::engine {

enum class NetworkDriver : std::uint8_t { bridge, host, none };
std::string_view name(NetworkDriver driver);  // docker's words: "bridge", "host", "null"

// One subnet of a network. An empty one of its version is chosen at create, clear of the host's
// own routes.
struct AddressPool {
  std::string subnet;                           // "10.208.0.0/20"
  std::string gateway;                          // "" is the first address
  std::string range;                            // part of the subnet to hand out; "" is all of it
  std::map<std::string, std::string> reserved;  // name to an address that is never handed out
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "subnet", self.subnet);
    visit(2, "gateway", self.gateway);
    visit(3, "range", self.range);
    visit(4, "reserved", self.reserved);
  }
};

struct Network {
  std::string id, name;
  std::int64_t created = 0;  // nanoseconds since 1970
  NetworkDriver driver = NetworkDriver::bridge;
  bool internal = false;
  bool ipv6 = false;
  bool attachable = false;  // only shown
  bool built_in = false;    // bridge, host, none: never removed
  std::vector<AddressPool> pools;
  std::string bridge;     // the host's link
  std::uint32_t mtu = 0;  // 0: the kernel's default
  bool masquerade = true;
  std::map<std::string, std::string> labels, options;
  template <typename Visitor, typename Self>
  static void fields(Visitor& visit, Self& self) {
    visit(1, "id", self.id);
    visit(2, "name", self.name);
    visit(3, "created", self.created);
    visit(4, "driver", self.driver);
    visit(5, "internal", self.internal);
    visit(6, "ipv6", self.ipv6);
    visit(7, "attachable", self.attachable);
    visit(8, "built_in", self.built_in);
    visit(9, "pools", self.pools);
    visit(10, "bridge", self.bridge);
    visit(11, "mtu", self.mtu);
    visit(12, "masquerade", self.masquerade);
    visit(13, "labels", self.labels);
    visit(14, "options", self.options);
  }
};

// A workload on a network, as `network inspect` shows it.
struct Member {
  std::string workload, name;  // full id, name
  Attachment attachment;
};

// References are a name, a full id or an unambiguous beginning of one. Thread: any.
class Networks {
 public:
  virtual ~Networks() = default;
  // Chooses what was left open (id, subnets, gateways, bridge) and gives the whole record.
  // Errors: already_exists (the name), invalid_argument, busy (overlaps another network or a route
  // of the host), exhausted (no free subnet)
  virtual Result<Network> create(Network network) = 0;
  // Errors: not_found ("network x not found")
  virtual Result<Network> inspect(const std::string& ref) = 0;
  virtual Result<std::vector<Network>> list() = 0;
  // Errors: not_found, permission (a built-in one, or "has active endpoints")
  virtual Result<void> remove(const std::string& ref) = 0;
  // Of workloads that run.
  virtual Result<std::vector<Member>> members(const std::string& ref) = 0;
  // Joins at once where the workload runs, else with its next start. `request.network` is not read.
  // Errors: not_found, already_exists (on it already), busy (an address in use), exhausted
  // (addresses, or the 1,024th port of the bridge), unsupported (host, none, or a shared namespace)
  virtual Result<void> connect(const std::string& ref, const std::string& workload,
                               NetworkRequest request) = 0;
  // Errors: not_found (network, workload, or it is not on it)
  virtual Result<void> disconnect(const std::string& ref, const std::string& workload) = 0;
  // Removes what no workload is on. filters: until, label. Gives the names.
  virtual Result<std::vector<std::string>> prune(
      const std::map<std::string, std::vector<std::string>>& filters) = 0;
};

}  // namespace proa::engine
