// Networks, and what a container has of them, as Docker's list and inspect show them.
#pragma once

#include "base/json.h"
#include "engine/engine.h"

namespace proa::api::docker {

// `members`: those that run; the list leaves them out.
json::Value print_network(const engine::Network& network,
                          const std::vector<engine::Member>& members);
// NetworkSettings of inspect, and of the list with `networks` alone.
json::Value print_network_settings(const engine::Workload& workload);
json::Value print_endpoints(const engine::Workload& workload);
// Ports of the list: [{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"}]
json::Value print_port_list(const engine::Workload& workload);

}  // namespace proa::api::docker
