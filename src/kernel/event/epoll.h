// An epoll set: waits for many descriptors at once.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "base/fd.h"
#include "base/result.h"

namespace proa::event {

// What to wait for, or what happened; errors and hang-ups are always waited for.
struct Readiness {
  bool readable = false;
  bool writable = false;
  bool closed = false;  // error or hang-up
};

struct Event {
  std::uint64_t token = 0;
  Readiness readiness;
};

// Owner: whoever made it; descriptors are borrowed and removed before they are closed.
// Thread: add, modify and remove from any, wait from one at a time.
class Epoll {
 public:
  static Result<Epoll> create();

  Result<void> add(FdRef fd, Readiness interest, std::uint64_t token) const;
  Result<void> modify(FdRef fd, Readiness interest, std::uint64_t token) const;
  Result<void> remove(FdRef fd) const;
  // Waits until something happens or the time is up (never, where absent). The events stay valid
  // until the next wait; a signal gives none.
  Result<std::span<const Event>> wait(std::optional<std::chrono::milliseconds> limit);

 private:
  static constexpr std::size_t kBatch = 16;

  explicit Epoll(Fd fd) : fd_(std::move(fd)) {}
  Result<void> control(int operation, FdRef fd, Readiness interest, std::uint64_t token) const;

  Fd fd_;
  std::array<epoll_event, kBatch> raw_ = {};
  std::array<Event, kBatch> events_ = {};
};

}  // namespace proa::event
