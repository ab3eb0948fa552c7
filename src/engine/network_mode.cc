#include "engine/network_mode.h"

#include "base/text.h"

namespace proa::engine {

NetworkMode network_mode(const Config& config) {
  constexpr std::string_view kShared = "container:";
  const std::string& mode = config.network_mode;
  if (mode.starts_with(kShared)) {
    return {NetworkMode::Kind::workload, mode.substr(kShared.size())};
  }
  const bool standard = mode.empty() || mode == "default" || mode == "nat";
  return {NetworkMode::Kind::network, standard ? "bridge" : mode};
}

wire::Endpoint endpoint_of(const Attachment& attachment) {
  wire::Endpoint endpoint{.network = attachment.name,
                          .link = attachment.link,
                          .guest_device = attachment.device,
                          .mac = attachment.mac,
                          .bridge = attachment.bridge,
                          .mtu = attachment.mtu,
                          .metric = attachment.metric};
  for (const std::string* address : {&attachment.ipv4, &attachment.ipv6}) {
    if (!address->empty()) endpoint.addresses.push_back(*address);
  }
  for (const std::string& address : attachment.request.link_local) {
    endpoint.addresses.push_back(cat(address, address.contains(':') ? "/64" : "/16"));
  }
  for (const std::string* gateway : {&attachment.gateway4, &attachment.gateway6}) {
    if (!gateway->empty()) endpoint.gateways.push_back(*gateway);
  }
  return endpoint;
}

}  // namespace proa::engine
