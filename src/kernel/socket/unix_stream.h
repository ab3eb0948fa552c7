// Unix stream sockets: listening, connecting, pairs, and descriptors that ride on bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

namespace proa::socket {

enum class Blocking : bool { no, yes };

struct Pair {
  Fd first, second;
};
// Connected to each other, close-on-exec.
Result<Pair> stream_pair(Blocking blocking);

// Binds and listens below `directory`: a relative `name`, so that the directory's own path may be
// longer than the 107 bytes a socket's address holds. A socket of that name is replaced; mode as
// in open(2).
Result<Fd> listen_at(FdRef directory, const std::string& name, unsigned mode);
// Errors: not_found, unavailable (nobody listens)
Result<Fd> connect_at(FdRef directory, const std::string& name);
// The next connection, non-blocking; an invalid Fd where none waits.
Result<Fd> accept(FdRef listener);

Result<void> set_blocking(FdRef fd, Blocking blocking);
// Ends our sending direction; the other goes on. What is no socket, or is closed already, stays.
void shut_down_sending(FdRef fd);

// Sends what the socket takes of `bytes`, `descriptors` riding on the first of them.
//
// Shape:  `bytes` not empty; at most 8 descriptors
// Result: bytes sent; 0 where it would block (then no descriptor went either)
Result<std::size_t> send(FdRef socket, std::string_view bytes, std::span<const int> descriptors);

struct Received {
  std::size_t bytes = 0;
  bool end = false;  // the peer sends no more
  std::vector<Fd> descriptors;
};
// Receives into `buffer`; neither bytes nor end where it would block.
//
// Errors: corrupt (more descriptors than there is room for)
Result<Received> receive(FdRef socket, MutableByteSpan buffer);

}  // namespace proa::socket
