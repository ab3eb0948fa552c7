// What -p and --expose say, as the API takes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace proa::client {

// One port of the workload, and where the host publishes it.
struct PublishedPort {
  std::string port;       // "80/tcp"
  std::string host_ip;    // "" for all
  std::string host_port;  // "", "8080", or "8080-8090": any of these
};

// "[[ip:][host-port]:]port[/protocol]", ports also as ranges "8000-8010" of the same length.
//
// Errors: invalid_argument
Result<std::vector<PublishedPort>> parse_publish(std::string_view text);
// "80", "80/udp", "8000-8010/tcp".
//
// Errors: invalid_argument
Result<std::vector<std::string>> parse_expose(std::string_view text);

}  // namespace proa::client
