#include "kernel/event/poll.h"

#include <poll.h>

#include <array>
#include <cerrno>

namespace proa::event {

Result<void> wait_for_any(std::span<Waiting> entries,
                          std::optional<std::chrono::milliseconds> limit) {
  constexpr std::size_t kMost = 64;
  CHECK(entries.size() <= kMost);
  std::array<pollfd, kMost> polled = {};
  for (std::size_t index = 0; index < entries.size(); ++index) {
    const Waiting& entry = entries[index];
    const int wanted =
        (entry.interest.readable ? POLLIN : 0) | (entry.interest.writable ? POLLOUT : 0);
    polled[index] = {entry.fd, static_cast<short>(wanted), 0};
    entries[index].ready = {};
  }
  const int timeout = limit ? static_cast<int>(limit->count()) : -1;
  if (::poll(polled.data(), entries.size(), timeout) < 0) {
    if (errno == EINTR) return {};
    return fail_errno("waiting for descriptors");
  }
  for (std::size_t index = 0; index < entries.size(); ++index) {
    const short came = polled[index].revents;
    entries[index].ready = {.readable = (came & POLLIN) != 0,
                            .writable = (came & POLLOUT) != 0,
                            .closed = (came & (POLLHUP | POLLERR | POLLNVAL)) != 0};
  }
  return {};
}

}  // namespace proa::event
