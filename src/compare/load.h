// What is done to a workload while it is measured: a load, a stream, small round trips.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "compare/figures.h"
#include "compare/subject.h"

namespace proa::compare {

// Runs `command` by the host's shell with PROA_ADDRESS and PROA_PORT set, or, where it is empty,
// asks the port 200 times for "/".
//
// Errors: unavailable (the command failed, the port does not answer)
Result<void> put_load(const std::string& command, const std::string& address, std::uint16_t port);

struct NetworkSpeed {
  double megabytes_per_second = 0;
  double round_trip = 0;  // milliseconds, the median
};
// Has the probe serve inside the workload and speaks to it.
Result<NetworkSpeed> network_speed(Subject& subject, const std::string& probe,
                                   const std::string& address, std::uint16_t port);

// What `proa-probe facts` told.
Result<Isolation> parse_isolation(const std::string& text);

}  // namespace proa::compare
