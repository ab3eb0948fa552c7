// What the engine's networks are on this host: bridges, the nftables rule set, the records that
// proa-net reads, proa-net itself, and the kernel's forwarding switches. All of it exists from the
// first workload on and is made again after a crash from what the engine knows.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "engine/networks.h"
#include "io/loop.h"
#include "kernel/process/child.h"
#include "network/dns/records.h"
#include "network/nat/neighbours.h"
#include "network/nat/ruleset.h"
#include "network/ports/port_book.h"

namespace proa::engine {

// Thread: any. Owner: the engine.
class NetworkHost {
 public:
  explicit NetworkHost(const Options& options);
  // Takes down what nothing uses any more; what workloads use stays as it is.
  ~NetworkHost();

  // Has the network's bridge there, and before the first one everything else.
  Result<void> ensure(const Network& network);
  // Takes a network's bridge down.
  void remove(const Network& network);

  // Chooses and takes the host's ports for what a workload asked for; gives what `inspect` shows.
  // Errors: busy (names who has it), unsupported, invalid_argument
  Result<std::vector<PublishedPort>> take_ports(const Workload& workload);
  // Takes up what a record says is taken: after a restart of the engine.
  void adopt(const Workload& workload);
  // Puts names and published ports of a workload in force, as its record says.
  Result<void> announce(const Workload& workload);
  // Frees what a workload that has ended had, in memory; the kernel and proa-net hear of it with
  // the next change, or by flush().
  void retire(const std::string& workload);
  void flush();
  // Puts in force what adopt() told of, on the networks that are used; of the others, and of all
  // where none is used, takes down what an engine before this one left.
  Result<void> recover(const std::vector<Network>& used, const std::vector<Network>& all);

 private:
  // What one workload has in force.
  struct Present {
    std::vector<network::NamePoint> points;
    std::vector<network::Forward> forwards;
    std::vector<network::LoopbackPort> loopback;
    std::string encoded;  // of its part of the records
  };
  Result<Present> present_of(const Workload& workload) const;
  Result<std::uint16_t> choose_port(const PublishedPort& port, std::uint8_t protocol,
                                    const std::vector<IpAddress>& addresses) const;
  void tell_of_neighbours(const Network& network, const Result<void>& allowed) const;
  Result<void> install();
  Result<void> write_records();
  Result<void> flush_retired();
  // network_names.cc: has proa-net run, and starts it again when it dies.
  Result<void> start_names();
  Result<void> bind_names(std::uint16_t wanted);
  // The watcher: sleeps until proa-net ends or a neighbour's rules change.
  Result<void> start_watching();
  void look_at_neighbours();
  void await_end();
  void restart_names();
  void switch_forwarding();
  void restore_forwarding();
  // Everything but the bridges: nothing uses them any more.
  void take_down();

  const Options& options_;
  std::string directory_;  // RUN/net
  std::mutex mutex_;
  // All below guarded by mutex_.
  network::RuleSet rules_;
  network::PortBook book_;
  std::map<std::string, std::string> holders_;  // id to the name that people know
  std::map<std::string, Network> networks_;     // whose bridges are there, by id
  std::map<std::string, Present> present_;      // by workload
  std::vector<network::Forward> retired_;       // still in the kernel's maps
  bool stale_ = false;                          // proa-net's records are older than present_
  std::uint16_t names_port_ = 0;
  Fd datagrams_, connections_;
  std::optional<process::Child> names_;  // where it is a child of ours
  Fd alive_;                             // tells of its end; only the watcher lets go of it
  io::Clock::time_point started_;
  bool installed_ = false;
  // Of the watcher, made once, with the first network.
  std::optional<network::NeighbourWatch> neighbours_;
  std::unique_ptr<io::Loop> loop_;
  std::thread watcher_;
};

}  // namespace proa::engine
