// A thread that serves devices: waits for their events and runs tasks that other threads bring.
// Everything that belongs to a running device happens on its worker, so devices need no locks.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "kernel/event/epoll.h"
#include "kernel/event/event_fd.h"

namespace proa::vmm::virtio {

class Worker;

// A descriptor that a worker watches, until this goes. Owner: whoever serves the descriptor, which
// stays open as long. Thread: the worker's.
class Watch {
 public:
  Watch() = default;
  Watch(Watch&& other) noexcept
      : worker_(std::exchange(other.worker_, nullptr)), token_(other.token_) {}
  Watch& operator=(Watch&& other) noexcept;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { reset(); }

  void reset();
  // Waits for something else from now on.
  Result<void> set_interest(event::Readiness interest);

 private:
  friend class Worker;
  Watch(Worker& worker, std::uint64_t token) : worker_(&worker), token_(token) {}

  Worker* worker_ = nullptr;
  std::uint64_t token_ = 0;
};

// Owner: the machine; it outlives the devices it serves. Thread: as each function says.
class Worker {
 public:
  using Handler = std::function<void(event::Readiness)>;

  // Starts a thread that shows up as `name` (15 bytes at most). `enter` is the first that it runs
  // (system call filter); its error ends the thread and is start's.
  static Result<std::unique_ptr<Worker>> start(
      const std::string& name,
      const std::function<Result<void>()>& enter = [] { return Result<void>(); });
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  // Runs `task` on the worker and returns once it is done. Thread: any; at once on the worker's.
  void run(const std::function<void()>& task);
  // Runs `task` on the worker soon: events and the tasks brought so far take turns. Thread: any.
  void post(std::function<void()> task);

  // Serves no more events until resume(), only tasks; when it returns, no handler runs. What
  // happens meanwhile is seen on resume. Thread: any but the worker's.
  void pause();
  void resume();

  // Calls `handler` whenever `fd` is ready. Thread: the worker's.
  Result<Watch> watch(FdRef fd, event::Readiness interest, Handler handler);

 private:
  friend class Watch;
  struct Entry {
    int fd;
    Handler handler;
  };

  Worker(event::Epoll epoll, event::EventFd wake)
      : epoll_(std::move(epoll)), wake_(std::move(wake)) {}
  void loop();
  void serve_events();
  void run_tasks();
  void unwatch(std::uint64_t token);

  event::Epoll epoll_;
  event::EventFd wake_;
  std::map<std::uint64_t, Entry> entries_;
  std::vector<Entry> retired_;  // may be running: dropped once no handler is
  std::uint64_t next_token_ = 1;
  bool paused_ = false;
  bool stopping_ = false;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> tasks_;  // guarded by mutex_

  std::thread thread_;
};

}  // namespace proa::vmm::virtio
