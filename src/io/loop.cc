#include "io/loop.h"

#include <algorithm>

namespace proa::io {

Result<std::unique_ptr<Loop>> Loop::create() {
  event::Epoll epoll = TRY(event::Epoll::create());
  event::EventFd wake = TRY(event::EventFd::create());
  TRY(epoll.add(wake.fd(), {.readable = true}, 0));
  return std::unique_ptr<Loop>(new Loop(std::move(epoll), std::move(wake)));
}

Result<void> Loop::watch(FdRef fd, Readiness interest, Handler handler) {
  const std::uint64_t token = ++last_token_;
  TRY(epoll_.add(fd, interest, token));
  watches_[token] = std::make_shared<Watch>(Watch{fd.get(), std::move(handler)});
  tokens_[fd.get()] = token;
  return {};
}

Result<void> Loop::change(FdRef fd, Readiness interest) {
  const auto token = tokens_.find(fd.get());
  CHECK(token != tokens_.end());
  return epoll_.modify(fd, interest, token->second);
}

void Loop::forget(FdRef fd) {
  const auto token = tokens_.find(fd.get());
  if (token == tokens_.end()) return;
  discard(epoll_.remove(fd), "a descriptor that the set has lost is as good as removed");
  watches_.erase(token->second);
  tokens_.erase(token);
}

Loop::Timer Loop::at(Clock::time_point moment, Task task) {
  const Timer timer = ++last_timer_;
  timers_[{moment, timer}] = std::move(task);
  timer_moments_[timer] = moment;
  return timer;
}

void Loop::cancel(Timer timer) {
  const auto moment = timer_moments_.find(timer);
  if (moment == timer_moments_.end()) return;
  timers_.erase({moment->second, timer});
  timer_moments_.erase(moment);
}

void Loop::post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
  }
  wake_.signal();
}

void Loop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.signal();
}

Result<void> Loop::run() {
  while (true) {
    run_posted();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ && posted_.empty()) {
        stopping_ = false;
        return {};
      }
    }
    TRY(turn());
  }
}

Result<void> Loop::turn() {
  const auto events = TRY(epoll_.wait(time_to_next_timer()));
  for (const event::Event& event : events) {
    if (event.token == 0) {
      wake_.take();
      continue;
    }
    const auto found = watches_.find(event.token);
    if (found == watches_.end()) continue;  // forgotten by a handler before
    const std::shared_ptr<Watch> watch = found->second;
    watch->handler(event.readiness);
  }
  run_timers();
  return {};
}

void Loop::run_posted() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (Task& task : tasks) task();
}

void Loop::run_timers() {
  const Clock::time_point now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto node = timers_.extract(timers_.begin());
    timer_moments_.erase(node.key().second);
    node.mapped()();
  }
}

std::optional<std::chrono::milliseconds> Loop::time_to_next_timer() const {
  if (timers_.empty()) return std::nullopt;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first.first - Clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

}  // namespace proa::io
