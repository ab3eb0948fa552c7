// The configuration that `spec` writes for people to start from.
#pragma once

#include "base/json.h"

namespace proa::oci::runtime {

enum class Rootless : bool { no, yes };

// A shell in a read-only root, with namespaces, mounts and rights as runc and crun have them.
// Rootless: in a user namespace in which `uid` and `gid` are root.
json::Value default_config(Rootless rootless, std::uint32_t uid, std::uint32_t gid);

}  // namespace proa::oci::runtime
