#include "kernel/event/event_fd.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace proa::event {

Result<EventFd> EventFd::create() {
  Fd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.valid()) return fail_errno("making an eventfd");
  return EventFd(std::move(fd));
}

void EventFd::signal(FdRef fd) {
  const std::uint64_t one = 1;
  // The only failure an eventfd knows is EAGAIN for a full counter: signalled already.
  [[maybe_unused]] const ssize_t written = ::write(fd.get(), &one, sizeof one);
}

bool EventFd::take() const {
  std::uint64_t count = 0;
  return ::read(fd_.get(), &count, sizeof count) == sizeof count;
}

bool EventFd::signalled(FdRef fd) {
  pollfd poll_fd = {fd.get(), POLLIN, 0};
  return ::poll(&poll_fd, 1, 0) == 1;
}

}  // namespace proa::event
