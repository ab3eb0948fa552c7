// The talk between whoever makes a container and its first process, until that process has become
// the container's program: one message type with one text each, in either direction.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace proa::container {

enum class Sync : std::uint8_t {
  cloned,   // from the in-between process: the number of the first process
  mapped,   // to it: its ids are mapped
  mounted,  // from it: its mounts are made; hooks may run
  proceed,  // to it: it is in its cgroups; the text is the state for its own hooks
  ready,    // from it: nothing is left to do but to start
  start,    // to it
  warning,  // from it
  failed,   // from it; the last message
};

struct SyncMessage {
  Sync type;
  std::string text;
  std::optional<Error> error;  // with `failed`
};

Result<void> send_sync(FdRef end, Sync type, std::string_view text = "");
Result<void> send_failure(FdRef end, const Error& error);

// Waits for a message; nothing where the other end is closed. What the launcher writes when it
// cannot execute the program arrives as a failure too.
//
// Errors: corrupt
Result<std::optional<SyncMessage>> receive_sync(FdRef end);
// Waits for a message of that type.
//
// Errors: that of a failure that came instead; unavailable (the process ended without a word)
Result<std::string> expect_sync(FdRef end, Sync type, std::vector<std::string>& warnings);
// Waits until the other end has become its program, which closes the talk.
//
// Errors: that of a failure that came instead
Result<void> wait_for_program(FdRef end, std::vector<std::string>& warnings);

}  // namespace proa::container
