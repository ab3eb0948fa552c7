#include "build/run/step_networks.h"

#include "base/id.h"
#include "build/run/step_configuration.h"

namespace proa::build {

Result<const StepNetworks::Joined*> StepNetworks::find(const std::string& network) {
  const std::lock_guard lock(mutex_);
  const auto known = joined_.find(network);
  if (known != joined_.end()) return &known->second;
  Joined joined;
  joined.namespaces = TRY(ns::make_network_pair({ids_}, {ids_}));
  joined.seat = TRY(join_({network, cat("build-", random_hex(6)), kStepHostName, extra_hosts_},
                          joined.namespaces.network));
  return &joined_.emplace(network, std::move(joined)).first->second;
}

}  // namespace proa::build
