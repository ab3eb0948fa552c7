// The networks of one engine in memory: their records, which addresses are leased on them, and
// which ports are published. Used within engine/ only.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "engine/events.h"
#include "engine/networks.h"
#include "engine/state.h"
#include "network/addresses/address_pool.h"

namespace proa::engine {

class LiveNetworks : public Networks {
 public:
  // What the engine knows of workloads, asked without this object's lock held.
  struct Workloads {
    std::function<std::vector<Member>()> members;
    // Both give the workload's id.
    std::function<Result<std::string>(const Network&, const std::string&, NetworkRequest)> connect;
    std::function<Result<std::string>(const Network&, const std::string&)> disconnect;
    std::function<void(const Network&)> removed;
  };
  LiveNetworks(StateDb& state, Events& events, std::string tag, Workloads workloads);
  // Reads what is known and makes the built-in networks where they are missing.
  Result<void> load();

  Result<Network> create(Network network) override;
  Result<Network> inspect(const std::string& ref) override;
  Result<std::vector<Network>> list() override;
  Result<void> remove(const std::string& ref) override;
  Result<std::vector<Member>> members(const std::string& ref) override;
  Result<void> connect(const std::string& ref, const std::string& workload,
                       NetworkRequest request) override;
  Result<void> disconnect(const std::string& ref, const std::string& workload) override;
  Result<std::vector<std::string>> prune(
      const std::map<std::string, std::vector<std::string>>& filters) override;

  // Leases an endpoint: addresses, link, MAC. All or nothing.
  Result<Attachment> lease(const Attachment& wanted);
  // Takes up what a record says is leased: after a restart of the engine.
  Result<void> adopt(const Attachment& held);
  // Gives the lease back and what is left to remember.
  Attachment release(const Attachment& held);

 private:
  // One network with its leases.
  struct Known {
    Network network;
    std::vector<network::AddressPool> pools;
    std::size_t ports = 0;  // of the bridge, in use
  };
  Result<void> complete(Network& network);
  Result<std::vector<Subnet>> taken_subnets();
  Known* find(const std::string& ref);
  static Result<Known> known_of(Network network);
  void tell(const char* action, const Network& network, const std::string& workload_id = {});

  StateDb& state_;
  Events& events_;
  std::string tag_;
  Workloads workloads_;
  std::condition_variable released_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by id; guarded by mutex_
};

}  // namespace proa::engine
