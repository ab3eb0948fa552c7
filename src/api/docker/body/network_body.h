// Docker's ports and endpoints of a container as engine::Config has them.
#pragma once

#include "base/json.h"
#include "engine/config.h"

namespace proa::api::docker {

// {"80/tcp":{}}
Result<void> read_exposed_ports(const json::Reader& reader, engine::Config& config);
// {"80/tcp":[{"HostIp":"","HostPort":"8080"}]}
Result<void> read_port_bindings(const json::Reader& reader, engine::Config& config);
// NetworkingConfig
Result<void> read_endpoints(const json::Reader& reader, engine::Config& config);
// Config.MacAddress, where clients before 1.44 have it: of the first network.
Result<void> read_old_mac(const json::Reader& body, engine::Config& config);
// HostConfig.Links: of the first network too.
Result<void> read_old_links(const json::Reader& host, engine::Config& config);
// EndpointsConfig of one network, as create and connect have it.
Result<engine::NetworkRequest> read_endpoint(const std::string& network,
                                             const json::Reader& reader);

// "80/tcp", "80" -> port and protocol.
//
// Errors: invalid_argument, in Docker's words
Result<engine::PublishedPort> parse_port(std::string_view text);

}  // namespace proa::api::docker
