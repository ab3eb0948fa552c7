// Workloads on networks: what is asked for at create, leased at start, given back once the shim
// has gone, and changed while it runs.
#include <algorithm>

#include "engine/live_engine.h"
#include "engine/network_mode.h"

namespace proa::engine {
namespace {

constexpr std::uint32_t kFirstMetric = 100;

Attachment* find_attachment(Workload& workload, const std::string& network) {
  const auto found = std::ranges::find(workload.networks, network, &Attachment::network);
  return found == workload.networks.end() ? nullptr : &*found;
}

// The lowest number that no attachment's device has: "eth2".
std::string next_device(const Workload& workload) {
  for (int number = 0;; ++number) {
    const std::string device = cat("eth", number);
    if (std::ranges::find(workload.networks, device, &Attachment::device) ==
        workload.networks.end()) {
      return device;
    }
  }
}

bool has_address_of(const Attachment& held, const NetworkRequest& wanted) {
  return (!wanted.ipv4.empty() && held.ipv4.starts_with(wanted.ipv4 + "/")) ||
         (!wanted.ipv6.empty() && held.ipv6.starts_with(wanted.ipv6 + "/"));
}

std::uint32_t next_metric(const Workload& workload) {
  std::uint32_t metric = kFirstMetric;
  for (const Attachment& attachment : workload.networks) {
    if (attachment.held()) metric = std::max(metric, attachment.metric + 1);
  }
  return metric;
}

}  // namespace

Result<void> LiveEngine::prepare_networks(Workload& workload) {
  Config& config = workload.config;
  const NetworkMode mode = network_mode(config);
  if (mode.kind == NetworkMode::Kind::workload) {
    const EntryPtr other = TRY(find(mode.name));
    config.network_mode = cat("container:", other->data.id);
    return {};
  }
  std::vector<NetworkRequest> requests = config.networks;
  // A client takes "not found" at create for a missing image, and would pull it.
  const auto find_network = [&](const std::string& name) -> Result<Network> {
    Result<Network> found = networks_->inspect(name);
    if (found.ok()) return found;
    return std::move(found).error().with_kind(ErrorKind::invalid_argument);
  };
  const Network primary = TRY(find_network(mode.name));
  const auto names_primary = [&](const NetworkRequest& request) {
    return request.network == primary.name || request.network == primary.id ||
           request.network == config.network_mode;
  };
  const auto first = std::ranges::find_if(requests, names_primary);
  if (first == requests.end()) {
    requests.insert(requests.begin(), NetworkRequest{.network = primary.name});
  } else {
    std::rotate(requests.begin(), first, first + 1);
    requests.front().network = primary.name;
  }
  for (NetworkRequest& request : requests) {
    const Network network = TRY(find_network(request.network));
    if (network.driver != NetworkDriver::bridge && requests.size() > 1) {
      return fail(ErrorKind::invalid_argument, "conflicting options: the network '", network.name,
                  "' goes with no other");
    }
    if (find_attachment(workload, network.id) != nullptr) continue;
    request.network = network.name;
    // As above: no image is missing.
    if (Result<void> known = know_links(request); !known.ok()) {
      return std::move(known).error().with_kind(ErrorKind::invalid_argument);
    }
    workload.networks.push_back({.network = network.id, .name = network.name, .request = request});
  }
  return {};
}

// Has links lead to names that stay: a container's own, or its short id. On networks of the user's
// own a link may be to one that is still to come; on the default network docker wants it there.
Result<void> LiveEngine::know_links(NetworkRequest& request) {
  for (std::string& link : request.links) {
    const auto [target, alias] = split_once(link, ':');
    const Result<EntryPtr> other = find(std::string(target));
    if (!other.ok()) {
      if (request.network != "bridge") continue;
      return Error(other.error()).with_context(cat("link '", printable(link, 120), "'"));
    }
    const std::lock_guard lock(mutex_);
    const std::string& name = other.value()->data.name;
    link = cat(target == name ? name : other.value()->data.id.substr(0, 12), ":", alias);
  }
  return {};
}

// An address that was asked for may be one whose holder has ended and is about to let go.
Result<Attachment> LiveEngine::lease_network(const Attachment& wanted,
                                             std::unique_lock<std::mutex>& lock) {
  constexpr std::chrono::seconds kPatience{5};
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    Result<Attachment> leased = networks_->lease(wanted);
    if (leased.ok() || leased.error().kind() != ErrorKind::busy) return leased;
    const bool lives = std::ranges::any_of(entries_, [&](const auto& entry) {
      const Workload& other = entry.second->data;
      return is_up(other.state.phase) &&
             std::ranges::any_of(other.networks, [&](const Attachment& held) {
               return held.network == wanted.network && has_address_of(held, wanted.request);
             });
    });
    if (lives || changed_.wait_until(lock, deadline) == std::cv_status::timeout) return leased;
  }
}

Result<void> LiveEngine::lease_networks(const EntryPtr& entry) {
  std::unique_lock lock(mutex_);
  Workload& workload = entry->data;
  for (Attachment& attachment : workload.networks) {
    if (attachment.held()) continue;
    Attachment leased =
        TRY(lease_network(attachment, lock), "joining the network '", attachment.name, "'");
    leased.device = next_device(workload);
    leased.metric = next_metric(workload);
    attachment = std::move(leased);
  }
  return {};
}

Result<void> LiveEngine::announce_networks(const EntryPtr& entry) {
  Workload workload;
  {
    const std::lock_guard lock(mutex_);
    workload = entry->data;
  }
  for (const Attachment& attachment : workload.networks) {
    const Network network = TRY(networks_->inspect(attachment.network));
    TRY(network_host_->ensure(network));
  }
  if (workload.ports.empty() && !workload.networks.empty()) {
    workload.ports =
        TRY(network_host_->take_ports(workload),
            "driver failed programming external connectivity on endpoint ", workload.name);
  }
  change(entry, [&](Workload& data) { data.ports = workload.ports; });
  return network_host_->announce(workload);
}

// What records say is held is held, whatever became of who held it: who is gone gives it back.
Result<void> LiveEngine::recover_networks() {
  std::set<std::string> ids;
  for (const auto& [id, entry] : entries_) {
    bool holds = false;
    for (const Attachment& attachment : entry->data.networks) {
      if (attachment.link.empty()) continue;
      holds = true;
      ids.insert(attachment.network);
    }
    if (holds) network_host_->adopt(entry->data);
  }
  const std::vector<Network> all = TRY(networks_->list());
  std::vector<Network> used = all;
  std::erase_if(used, [&](const Network& network) { return !ids.contains(network.id); });
  return network_host_->recover(used, all);
}

void LiveEngine::release_networks(Workload& workload) {
  for (Attachment& attachment : workload.networks) {
    if (attachment.held()) attachment = networks_->release(attachment);
  }
  workload.ports.clear();
}

std::vector<Member> LiveEngine::network_members() {
  std::vector<Member> members;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, seat] : seats_) members.push_back(seat);
  for (const auto& [id, entry] : entries_) {
    for (const Attachment& attachment : entry->data.networks) {
      Member& member = members.emplace_back(id, entry->data.name, attachment);
      // What has ended only has to let go.
      if (!is_up(entry->data.state.phase)) member.attachment.endpoint.clear();
    }
  }
  return members;
}

Result<std::string> LiveEngine::connect_network(const Network& network, const std::string& ref,
                                                NetworkRequest request) {
  const EntryPtr entry = TRY(find(ref));
  const std::lock_guard operation(entry->operation);
  request.network = network.name;
  TRY(know_links(request));
  Attachment joined{.network = network.id, .name = network.name, .request = request};
  bool carried = false;
  {
    const std::lock_guard lock(mutex_);
    Workload& workload = entry->data;
    const NetworkMode mode = network_mode(workload.config);
    if (mode.kind == NetworkMode::Kind::workload || mode.name == "host" || mode.name == "none") {
      return fail(ErrorKind::unsupported, "container ", workload.name,
                  " shares or has no network: it cannot be connected to one");
    }
    if (find_attachment(workload, network.id) != nullptr) {
      return fail(ErrorKind::already_exists, "endpoint with name ", workload.name,
                  " already exists in network ", network.name);
    }
    carried = entry->carried && is_up(workload.state.phase);
    if (carried) {
      joined = TRY(networks_->lease(joined));
      joined.device = next_device(workload);
      joined.metric = next_metric(workload);
    }
    workload.networks.push_back(joined);
  }
  // The lease is on disk before anything uses it.
  Result<void> done = keep(entry);
  if (done.ok() && carried) done = network_host_->ensure(network);
  if (done.ok() && carried) {
    done = await<void>([entry, endpoint = endpoint_of(joined)](hull::Done<> answer) mutable {
      if (!entry->hull) return answer(fail(ErrorKind::unavailable, "no shim carries it"));
      entry->hull->join_network(endpoint, std::move(answer));
    });
  }
  if (done.ok() && carried) done = announce_networks(entry);
  if (done.ok()) return entry->data.id;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(entry->data.networks,
                  [&](const Attachment& other) { return other.network == network.id; });
    if (joined.held()) networks_->release(joined);
  }
  discard(keep(entry), "the error that is returned matters more");
  return std::move(done).error();
}

Result<std::string> LiveEngine::disconnect_network(const Network& network, const std::string& ref) {
  const EntryPtr entry = TRY(find(ref));
  const std::lock_guard operation(entry->operation);
  Attachment left;
  bool carried = false;
  {
    const std::lock_guard lock(mutex_);
    const Attachment* found = find_attachment(entry->data, network.id);
    if (found == nullptr) {
      return fail(ErrorKind::not_found, "container ", entry->data.id,
                  " is not connected to network ", network.name);
    }
    left = *found;
    carried = entry->carried && left.held();
  }
  if (carried && network.driver == NetworkDriver::bridge) {
    TRY(await<void>([entry, name = network.name](hull::Done<> answer) mutable {
      if (!entry->hull) return answer({});  // its shim has gone, and the link with it
      entry->hull->leave_network(name, std::move(answer));
    }));
  }
  {
    const std::lock_guard lock(mutex_);
    if (left.held()) networks_->release(left);
    std::erase_if(entry->data.networks,
                  [&](const Attachment& other) { return other.network == network.id; });
  }
  TRY(carried ? announce_networks(entry) : keep(entry));
  return entry->data.id;
}

}  // namespace proa::engine
