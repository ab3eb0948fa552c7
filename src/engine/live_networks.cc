#include "engine/live_networks.h"

#include <algorithm>

#include "base/id.h"
#include "base/number.h"
#include "base/time.h"
#include "engine/filters.h"
#include "engine/names.h"

namespace proa::engine {
namespace {

constexpr std::chrono::seconds kLettingGo{5};

}  // namespace

LiveNetworks::LiveNetworks(StateDb& state, Events& events, std::string tag, Workloads workloads)
    : state_(state), events_(events), tag_(std::move(tag)), workloads_(std::move(workloads)) {}

std::string_view name(NetworkDriver driver) {
  switch (driver) {
    case NetworkDriver::bridge:
      return "bridge";
    case NetworkDriver::host:
      return "host";
    case NetworkDriver::none:
      return "null";
  }
  return "?";
}

Result<void> LiveNetworks::load() {
  {
    const std::lock_guard lock(mutex_);
    for (Network& network : TRY(state_.networks())) {
      const std::string id = network.id;
      known_.emplace(id, TRY(known_of(std::move(network))));
    }
  }
  for (const auto& [name, driver] : {std::pair{"bridge", NetworkDriver::bridge},
                                     {"host", NetworkDriver::host},
                                     {"none", NetworkDriver::none}}) {
    if (inspect(name).ok()) continue;
    Network network{.name = name, .driver = driver, .built_in = true};
    if (driver == NetworkDriver::bridge) network.bridge = cat("proa", tag_, "0");
    TRY(create(std::move(network)), "making the network '", name, "'");
  }
  return {};
}

LiveNetworks::Known* LiveNetworks::find(const std::string& ref) {
  Known* found = nullptr;
  for (auto& [id, known] : known_) {
    if (known.network.name == ref || id == ref) return &known;
  }
  for (auto& [id, known] : known_) {
    if (ref.empty() || !id.starts_with(ref)) continue;
    if (found != nullptr) return nullptr;  // ambiguous
    found = &known;
  }
  return found;
}

Result<Network> LiveNetworks::create(Network network) {
  // As docker has it: anything that is not blank; but what a terminal would act on is refused.
  if (trim(network.name).empty() || printable(network.name) != network.name) {
    return fail(ErrorKind::invalid_argument, "invalid network name: '", printable(network.name, 80),
                "'");
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [id, known] : known_) {
    if (known.network.name == network.name) {
      return fail(ErrorKind::already_exists, "network with name ", network.name, " already exists");
    }
  }
  network.id = random_hex(64);
  network.created = now().time_since_epoch().count();
  TRY(complete(network));
  Known known = TRY(known_of(network));
  TRY(state_.put(network));
  known_.emplace(network.id, std::move(known));
  if (!network.built_in) tell("create", network);
  return network;
}

Result<Network> LiveNetworks::inspect(const std::string& ref) {
  const std::lock_guard lock(mutex_);
  const Known* known = find(ref);
  if (known == nullptr)
    return fail(ErrorKind::not_found, "network ", printable(ref, 80), " not found");
  return known->network;
}

Result<std::vector<Network>> LiveNetworks::list() {
  std::vector<Network> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, known] : known_) all.push_back(known.network);
  return all;
}

Result<void> LiveNetworks::remove(const std::string& ref) {
  const Network network = TRY(inspect(ref));
  if (network.built_in) {
    return fail(ErrorKind::permission, network.name,
                " is a pre-defined network and cannot be removed");
  }
  const std::vector<Member> on_it = TRY(members(network.id));
  std::unique_lock lock(mutex_);
  // Who has ended lets go in a moment.
  const auto is_free = [&] {
    const auto known = known_.find(network.id);
    return known == known_.end() || known->second.ports == 0;
  };
  if (on_it.empty()) released_.wait_for(lock, kLettingGo, is_free);
  const auto known = known_.find(network.id);
  if (known == known_.end()) return {};
  if (!on_it.empty() || known->second.ports > 0) {
    std::vector<std::string> names;
    for (const Member& member : on_it) names.push_back(member.name);
    return fail(ErrorKind::permission, "error while removing network: network ", network.name,
                " id ", network.id, " has active endpoints: ", join(names, ", "));
  }
  // Its bridge first: what has no record is taken down by nobody.
  workloads_.removed(network);
  TRY(state_.erase_network(network.id));
  known_.erase(known);
  tell("destroy", network);
  return {};
}

Result<std::vector<Member>> LiveNetworks::members(const std::string& ref) {
  const Network network = TRY(inspect(ref));
  std::vector<Member> members = workloads_.members();
  std::erase_if(members, [&](const Member& member) {
    return member.attachment.network != network.id || !member.attachment.held();
  });
  return members;
}

Result<void> LiveNetworks::connect(const std::string& ref, const std::string& workload,
                                   NetworkRequest request) {
  const Network network = TRY(inspect(ref));
  if (network.driver != NetworkDriver::bridge) {
    return fail(ErrorKind::unsupported, "cannot attach to the network '", network.name,
                "' while a container exists");
  }
  tell("connect", network, TRY(workloads_.connect(network, workload, std::move(request))));
  return {};
}

Result<void> LiveNetworks::disconnect(const std::string& ref, const std::string& workload) {
  const Network network = TRY(inspect(ref));
  tell("disconnect", network, TRY(workloads_.disconnect(network, workload)));
  return {};
}

Result<std::vector<std::string>> LiveNetworks::prune(
    const std::map<std::string, std::vector<std::string>>& filters) {
  std::vector<std::string> pruned;
  std::vector<Member> all = workloads_.members();
  for (const Network& network : TRY(list())) {
    if (network.built_in || !TRY(matches_prune(filters, network.labels, network.created))) continue;
    const bool wanted = std::ranges::any_of(
        all, [&](const Member& member) { return member.attachment.network == network.id; });
    if (!wanted && remove(network.id).ok()) pruned.push_back(network.name);
  }
  return pruned;
}

void LiveNetworks::tell(const char* action, const Network& network,
                        const std::string& workload_id) {
  Event event{"network", action, network.id, {}, 0};
  event.attributes = {{"name", network.name}, {"type", std::string(name(network.driver))}};
  if (!workload_id.empty()) event.attributes["container"] = workload_id;
  events_.publish(std::move(event));
}

}  // namespace proa::engine
