// What `proa compare` asks from within a workload; each prints one JSON object.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace proa::probe {

// The kernel's release, the namespaces, the capabilities left, whether root is the host's root, and
// how many system calls answer.
Result<json::Value> facts();

// What the kernel that it runs on counts as used. Units: MiB
Result<json::Value> memory();

// Writes and reads a file of `mebibytes` in `directory`, and syncs small writes.
// Units: MB/s (1e6 bytes), milliseconds
Result<json::Value> disk(const std::string& directory, std::uint64_t mebibytes);

// Serves one peer after the other on a TCP port until killed: a 'T' asks for 1 MiB blocks for as
// long as the peer reads, an 'E' has every byte that follows sent back.
Result<void> serve(std::uint16_t port);

}  // namespace proa::probe
