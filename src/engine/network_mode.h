// What a workload's network mode says, and what of its networks the hull is told. Pure.
#pragma once

#include <string>

#include "engine/attachment.h"
#include "engine/config.h"
#include "wire/values.h"

namespace proa::engine {

struct NetworkMode {
  enum class Kind : std::uint8_t { network, workload };
  Kind kind = Kind::network;
  std::string name;  // of a network ("bridge", "host", "none", ...), or a reference to a workload
};

// "", "default" and "nat" are docker's words for the default network.
NetworkMode network_mode(const Config& config);

wire::Endpoint endpoint_of(const Attachment& attachment);

}  // namespace proa::engine
