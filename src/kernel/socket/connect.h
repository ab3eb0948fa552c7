// Connecting to a server as a client does: a unix socket by its path, or a numeric TCP address.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace proa::socket {

// Connects a blocking stream socket; `path` may be longer than a socket's address holds.
//
// Errors: not_found (no such file), unavailable (nobody listens), permission
Result<Fd> connect_path(const std::string& path);

// Connects a blocking stream socket; no names are looked up, only IPv4 and IPv6 addresses taken.
//
// Errors: invalid_argument (`address` is not numeric), unavailable, timeout
Result<Fd> connect_tcp(const std::string& address, std::uint16_t port);

// Sends all of `bytes` on a blocking socket; never raises SIGPIPE.
//
// Errors: unavailable (the peer receives no more)
Result<void> send_all(FdRef socket, std::string_view bytes);

}  // namespace proa::socket
