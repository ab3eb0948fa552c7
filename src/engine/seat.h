// A place on a network for what is no workload: the steps of a build.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace proa::engine {

struct SeatRequest {
  std::string network;                   // name or id, of a bridge
  std::string name;                      // what members of the network call it
  std::string host_name;                 // what it calls itself
  std::vector<std::string> extra_hosts;  // "name:address"
};

struct Seat {
  std::string hosts;           // what its /etc/hosts is to say
  std::string resolver;        // its /etc/resolv.conf
  std::shared_ptr<void> held;  // the place is left with it; no longer than the engine
};

}  // namespace proa::engine
