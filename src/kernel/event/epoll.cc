#include "kernel/event/epoll.h"

#include <cerrno>

namespace proa::event {

Result<Epoll> Epoll::create() {
  Fd fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!fd.valid()) return fail_errno("making an epoll set");
  return Epoll(std::move(fd));
}

Result<void> Epoll::control(int operation, FdRef fd, Readiness interest,
                            std::uint64_t token) const {
  epoll_event raw = {};
  if (interest.readable) raw.events |= EPOLLIN;
  if (interest.writable) raw.events |= EPOLLOUT;
  raw.data.u64 = token;
  if (::epoll_ctl(fd_.get(), operation, fd.get(), &raw) != 0) {
    return fail_errno("changing an epoll set");
  }
  return {};
}

Result<void> Epoll::add(FdRef fd, Readiness interest, std::uint64_t token) const {
  return control(EPOLL_CTL_ADD, fd, interest, token);
}

Result<void> Epoll::modify(FdRef fd, Readiness interest, std::uint64_t token) const {
  return control(EPOLL_CTL_MOD, fd, interest, token);
}

Result<void> Epoll::remove(FdRef fd) const { return control(EPOLL_CTL_DEL, fd, {}, 0); }

Result<std::span<const Event>> Epoll::wait(std::optional<std::chrono::milliseconds> limit) {
  const int timeout = limit.has_value() ? static_cast<int>(limit->count()) : -1;
  const int count = ::epoll_wait(fd_.get(), raw_.data(), static_cast<int>(raw_.size()), timeout);
  if (count < 0) {
    if (errno == EINTR) return std::span<const Event>();
    return fail_errno("waiting for events");
  }
  const auto length = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < length; ++i) {
    const std::uint32_t bits = raw_[i].events;
    events_[i] = {
        raw_[i].data.u64,
        {(bits & EPOLLIN) != 0, (bits & EPOLLOUT) != 0, (bits & (EPOLLERR | EPOLLHUP)) != 0}};
  }
  return std::span<const Event>(events_.data(), length);
}

}  // namespace proa::event
