#include "engine/network_host.h"

#include <fcntl.h>

#include <chrono>
#include <utility>

#include "kernel/file/file.h"
#include "network/bridge/bridge.h"
#include "network/nat/iptables_legacy.h"
#include "network/nat/neighbours.h"
#include "wire/codec.h"

namespace proa::engine {
namespace {

constexpr std::chrono::seconds kPartingLimit{2};

constexpr const char* kForward4 = "/proc/sys/net/ipv4/ip_forward";
constexpr const char* kForward6 = "/proc/sys/net/ipv6/conf/all/forwarding";

network::Filtered filtered_of(const Network& network) {
  network::Filtered filtered{network.bridge, {}, network.internal, network.masquerade};
  for (const AddressPool& pool : network.pools) {
    const Result<IpAddress> gateway = IpAddress::parse(pool.gateway);
    if (gateway.ok()) filtered.gateways.push_back(gateway.value());
  }
  return filtered;
}

Result<network::BridgePlan> plan_of(const Network& network) {
  network::BridgePlan plan{.name = network.bridge, .addresses = {}, .mtu = network.mtu};
  for (const AddressPool& pool : network.pools) {
    const Subnet subnet = TRY(Subnet::parse(pool.subnet));
    plan.addresses.push_back({TRY(IpAddress::parse(pool.gateway)), subnet.prefix});
  }
  return plan;
}

void remove_link(const Network& network) {
  const Result<network::BridgePlan> plan = plan_of(network);
  if (!plan.ok()) return;
  discard(network::remove_bridge(plan.value()), "a link that stays is taken up again");
  discard(network::forget_neighbours(network.bridge), "the rules name a link that is no more");
}

}  // namespace

NetworkHost::NetworkHost(const Options& options)
    : options_(options), directory_(options.run + "/net"), rules_(options.tag) {}

NetworkHost::~NetworkHost() {
  if (watcher_.joinable()) {
    loop_->stop();
    watcher_.join();
  }
  const std::lock_guard lock(mutex_);
  if (!present_.empty() || !installed_) {
    // Workloads run on, and so do their names.
    if (names_) names_->detach();
    return;
  }
  for (const auto& [id, network] : networks_) remove_link(network);
  take_down();
}

void NetworkHost::take_down() {
  const network::Records parting{.points = {}, .ports = {}, .stop = true};
  const Result<Fd> directory = file::open(directory_, O_PATH | O_DIRECTORY);
  if (!directory.ok()) return;  // nothing was ever put up
  discard(file::replace_file(directory.value(), "records", wire::encode(parting), 0644,
                             file::Durable::no),
          "where it is ours, its end below does not depend on it");
  if (names_) discard(names_->wait_for(kPartingLimit), "the destructor ends it");
  discard(rules_.remove(), "a table that stays is replaced at the next start");
  restore_forwarding();
}

Result<void> NetworkHost::ensure(const Network& network) {
  if (network.driver != NetworkDriver::bridge) return {};
  const std::lock_guard lock(mutex_);
  if (networks_.contains(network.id)) {
    // The kernel does not tell when these rules come.
    tell_of_neighbours(network, network::allow_in_legacy(network.bridge));
    return {};
  }
  const network::BridgePlan plan = TRY(plan_of(network));
  TRY(start_names(), "starting the name server");
  TRY(network::ensure_bridge(plan), "making the network '", network.name, "'");
  networks_[network.id] = network;
  switch_forwarding();
  tell_of_neighbours(network, network::allow_beside_neighbours(network.bridge));
  if (!installed_) return install();
  return rules_.add(filtered_of(network));
}

void NetworkHost::tell_of_neighbours(const Network& network, const Result<void>& allowed) const {
  if (allowed.ok() || !options_.warn) return;
  options_.warn(cat("another engine's rules may stop what the network '", network.name,
                    "' forwards: ", allowed.error().message()));
}

void NetworkHost::remove(const Network& network) {
  const std::lock_guard lock(mutex_);
  if (networks_.erase(network.id) == 0) return;
  discard(rules_.remove(filtered_of(network)), "the elements name a link that is no more");
  remove_link(network);
}

Result<void> NetworkHost::install() {
  std::vector<network::Filtered> networks;
  std::vector<network::Forward> forwards;
  for (const auto& [id, network] : networks_) networks.push_back(filtered_of(network));
  for (const auto& [id, present] : present_) {
    forwards.insert(forwards.end(), present.forwards.begin(), present.forwards.end());
  }
  TRY(rules_.install(networks, forwards, names_port_));
  installed_ = true;
  return {};
}

Result<void> NetworkHost::recover(const std::vector<Network>& used,
                                  const std::vector<Network>& all) {
  for (const Network& network : used) TRY(ensure(network), "network ", network.name);
  const std::lock_guard lock(mutex_);
  for (const Network& network : all) {
    if (network.driver == NetworkDriver::bridge && !networks_.contains(network.id)) {
      remove_link(network);
    }
  }
  if (!installed_) {
    take_down();
    return {};
  }
  TRY(install());
  return write_records();
}

Result<void> NetworkHost::announce(const Workload& workload) {
  Present present = TRY(present_of(workload));
  const std::lock_guard lock(mutex_);
  TRY(flush_retired());
  const std::vector<network::Forward> before =
      std::exchange(present_[workload.id], present).forwards;
  if (!installed_) return {};
  if (before != present.forwards) {
    TRY(rules_.remove(before));
    TRY(rules_.add(present.forwards), "publishing the ports of ", workload.name);
  }
  return write_records();
}

void NetworkHost::retire(const std::string& workload) {
  const std::lock_guard lock(mutex_);
  book_.release(workload);
  holders_.erase(workload);
  const auto found = present_.find(workload);
  if (found == present_.end()) return;
  const std::vector<network::Forward>& forwards = found->second.forwards;
  retired_.insert(retired_.end(), forwards.begin(), forwards.end());
  present_.erase(found);
  stale_ = true;
}

void NetworkHost::flush() {
  const std::lock_guard lock(mutex_);
  discard(flush_retired(), "tried again before the next change");
}

Result<void> NetworkHost::flush_retired() {
  if (!installed_ || !stale_) return {};
  TRY(rules_.remove(retired_));
  retired_.clear();
  TRY(write_records());
  stale_ = false;
  return {};
}

// The parts that each workload's record encodes to, one behind the other, are one record.
Result<void> NetworkHost::write_records() {
  std::string content;
  for (const auto& [id, present] : present_) content += present.encoded;
  const Fd directory = TRY(file::open(directory_, O_PATH | O_DIRECTORY));
  return file::replace_file(directory, "records", content, 0644, file::Durable::no);
}

// Workloads reach what lies beyond this host only where the kernel forwards. What it was before is
// kept in a file, so that even another engine can undo it.
void NetworkHost::switch_forwarding() {
  bool v6 = false;
  for (const auto& [id, network] : networks_) v6 = v6 || network.ipv6;
  for (const char* path : {kForward4, kForward6}) {
    if (path == kForward6 && !v6) continue;
    const Result<std::string> now = file::read_file(path);
    if (!now.ok() || trim(now.value()) != "0") continue;
    const Result<void> written = file::write_existing(path, "1");
    if (!written.ok()) {
      if (options_.warn)
        options_.warn(cat("cannot switch forwarding on: ", written.error().message()));
      continue;
    }
    const Result<Fd> directory = file::open(directory_, O_PATH | O_DIRECTORY);
    const char* mark = path == kForward4 ? "forwarding4" : "forwarding6";
    if (directory.ok()) {
      discard(file::replace_file(directory.value(), mark, "0\n", 0644, file::Durable::no),
              "forwarding stays on then");
    }
  }
}

void NetworkHost::restore_forwarding() {
  const Result<Fd> directory = file::open(directory_, O_PATH | O_DIRECTORY);
  if (!directory.ok()) return;
  for (const auto& [mark, path] :
       {std::pair("forwarding4", kForward4), {"forwarding6", kForward6}}) {
    if (!file::exists(cat(directory_, "/", mark))) continue;
    discard(file::write_existing(path, "0"), "the switch stays as it is");
    discard(file::unlink_at(directory.value(), mark), "the run directory goes at the next boot");
  }
}

}  // namespace proa::engine
