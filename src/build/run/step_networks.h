// The networks that the steps of one build are on: for each a network namespace of the build's own,
// made when a step first wants it and shared by all that do. They go with the build.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/seat.h"
#include "kernel/namespace/namespace.h"

namespace proa::build {

// Joins a network namespace to a network; engine::Engine::take_seat.
using JoinNetwork =
    std::function<Result<engine::Seat>(const engine::SeatRequest& request, FdRef joins)>;

// Thread: any. Owner: the build's session.
class StepNetworks {
 public:
  struct Joined {
    ns::NetworkPair namespaces;
    engine::Seat seat;
  };

  // The maps of the steps' user namespaces, to which the network namespaces belong.
  StepNetworks(JoinNetwork join, ns::IdRange ids, std::vector<std::string> extra_hosts)
      : join_(std::move(join)), ids_(ids), extra_hosts_(std::move(extra_hosts)) {}

  // What it gives lives as long as this object.
  Result<const Joined*> find(const std::string& network);

 private:
  JoinNetwork join_;
  ns::IdRange ids_;
  std::vector<std::string> extra_hosts_;
  std::mutex mutex_;
  std::map<std::string, Joined> joined_;  // by network; guarded by mutex_
};

}  // namespace proa::build
