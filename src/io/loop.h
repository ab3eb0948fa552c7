// The event loop of a process or thread: descriptors, timers, and work posted from other threads.
// One small epoll set; not a thread pool.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/event/epoll.h"
#include "kernel/event/event_fd.h"

namespace proa::io {

using event::Readiness;
using Clock = std::chrono::steady_clock;
using Task = std::move_only_function<void()>;
using Handler = std::move_only_function<void(Readiness)>;

// Thread: all but post() and stop() on the thread that runs it. Owner: that thread's top.
class Loop {
 public:
  using Timer = std::uint64_t;

  static Result<std::unique_ptr<Loop>> create();

  // Calls `handler` whenever `fd` is ready; hang-ups are told even without an interest. A
  // descriptor is watched once. It has to be forgotten before it is closed.
  Result<void> watch(FdRef fd, Readiness interest, Handler handler);
  Result<void> change(FdRef fd, Readiness interest);
  // Events already waiting for it are not delivered any more; unknown descriptors are no error.
  void forget(FdRef fd);

  // Calls `task` once, at or soon after `moment`.
  Timer at(Clock::time_point moment, Task task);
  Timer after(Clock::duration delay, Task task) {
    return at(Clock::now() + delay, std::move(task));
  }
  // A timer that has fired, or 0, is no error.
  void cancel(Timer timer);

  // Calls `task` from the loop, after the present event. Thread: any.
  void post(Task task);

  // Serves until stop(); tasks posted before are still done.
  Result<void> run();
  // Thread: any.
  void stop();

 private:
  struct Watch {
    int fd;
    Handler handler;
  };

  Loop(event::Epoll epoll, event::EventFd wake)
      : epoll_(std::move(epoll)), wake_(std::move(wake)) {}
  Result<void> turn();
  void run_posted();
  void run_timers();
  std::optional<std::chrono::milliseconds> time_to_next_timer() const;

  event::Epoll epoll_;
  event::EventFd wake_;
  std::map<std::uint64_t, std::shared_ptr<Watch>> watches_;  // shared with the call under way
  std::map<int, std::uint64_t> tokens_;
  std::uint64_t last_token_ = 0;  // 0 is the wake-up
  std::map<std::pair<Clock::time_point, Timer>, Task> timers_;
  std::map<Timer, Clock::time_point> timer_moments_;
  Timer last_timer_ = 0;
  std::mutex mutex_;
  std::vector<Task> posted_;  // guarded by mutex_
  bool stopping_ = false;     // guarded by mutex_
};

}  // namespace proa::io
