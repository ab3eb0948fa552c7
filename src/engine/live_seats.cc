// Places on networks for what is no workload. Nothing on disk knows of them: the link goes with its
// namespace, the addresses with this process.
#include "base/id.h"
#include "engine/live_engine.h"
#include "engine/managed_files.h"
#include "engine/network_mode.h"
#include "kernel/file/file.h"
#include "network/bridge/endpoint.h"

namespace proa::engine {

Result<Seat> LiveEngine::take_seat(const SeatRequest& request, FdRef network_namespace) {
  const Network network = TRY(networks_->inspect(request.network));
  if (network.driver != NetworkDriver::bridge) {
    return fail(ErrorKind::invalid_argument, "the network '", network.name,
                "' has no places: it is no bridge");
  }
  Workload sitter;
  sitter.id = random_hex(64);
  sitter.name = request.name;
  sitter.config.extra_hosts = request.extra_hosts;
  Attachment attachment =
      TRY(networks_->lease({.network = network.id, .name = network.name, .request = {}}));
  attachment.device = "eth0";
  sitter.networks.push_back(attachment);
  {
    const std::lock_guard lock(mutex_);
    seats_[sitter.id] = {sitter.id, sitter.name, attachment};
  }
  // From here on whatever was done is undone with it.
  std::shared_ptr<void> held(nullptr, [this, id = sitter.id, attachment](void*) {
    discard(network::leave_by_veth(endpoint_of(attachment)), "the link goes with its namespace");
    network_host_->retire(id);
    network_host_->flush();
    const std::lock_guard lock(mutex_);
    seats_.erase(id);
    networks_->release(attachment);
  });
  TRY(network_host_->ensure(network));
  TRY(network::join_by_veth(network_namespace, endpoint_of(attachment)));
  TRY(network_host_->announce(sitter));
  // Its own name, which is not to be anybody else's business.
  sitter.config.hostname = request.host_name;
  const Result<std::string> resolver = file::read_file("/etc/resolv.conf");
  return Seat{hosts_text(sitter),
              resolver_text(sitter, resolver.ok() ? resolver.value() : std::string()),
              std::move(held)};
}

}  // namespace proa::engine
