// Byte streams that do not block: pipes, terminals and sockets alike.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

namespace proa::file {

// Reads what is there: 0 at the end (also where a terminal's other side has gone), nothing where
// it would block.
Result<std::optional<std::size_t>> read_available(FdRef stream, MutableByteSpan buffer);
// Writes what the stream takes; 0 where it would block. Never raises SIGPIPE for a socket.
//
// Errors: unavailable (nobody reads)
Result<std::size_t> write_some(FdRef stream, std::string_view bytes);

}  // namespace proa::file
