// Pipes: without a name, both ends close-on-exec, and with one (FIFO).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace proa::file {

struct Pipe {
  Fd read;
  Fd write;
};

// For streams: what an unprivileged process may ask for by default.
inline constexpr std::size_t kLargePipe = std::size_t{1} << 20;

// Makes a pipe that holds `capacity` bytes, or the kernel's default where that is not allowed.
// Writing to one that nobody reads raises SIGPIPE: programs that use pipes ignore it.
Result<Pipe> make_pipe(std::size_t capacity);

// Puts what waits in one pipe into another too, at most `most` bytes, without a copy; waits until
// some can go. 0 at the end.
Result<std::size_t> tee_some(FdRef from, FdRef to, std::size_t most);

// Makes a pipe that has a name; one that exists is no error.
Result<void> make_fifo(const std::string& path, mode_t mode);

}  // namespace proa::file
