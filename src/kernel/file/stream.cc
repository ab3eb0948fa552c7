#include "kernel/file/stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace proa::file {

Result<std::optional<std::size_t>> read_available(FdRef stream, MutableByteSpan buffer) {
  const ssize_t count = ::read(stream.get(), buffer.data(), buffer.size());
  if (count >= 0) return std::optional<std::size_t>(static_cast<std::size_t>(count));
  if (errno == EAGAIN || errno == EINTR) return std::optional<std::size_t>();
  // A terminal whose last user is gone, and a peer that closed with bytes unread.
  if (errno == EIO || errno == ECONNRESET) return std::optional<std::size_t>(0);
  return fail_errno("reading a stream");
}

Result<std::size_t> write_some(FdRef stream, std::string_view bytes) {
  ssize_t count = ::send(stream.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0 && errno == ENOTSOCK) count = ::write(stream.get(), bytes.data(), bytes.size());
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
  if (errno == EPIPE) return Error(ErrorKind::unavailable, EPIPE, "nobody reads the stream");
  return fail_errno("writing a stream");
}

}  // namespace proa::file
