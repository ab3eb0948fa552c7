#include "vmm/virtio/core/worker.h"

#include <pthread.h>

#include <future>
#include <system_error>

namespace proa::vmm::virtio {
namespace {

constexpr std::uint64_t kWakeToken = 0;

}  // namespace

Watch& Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    reset();
    worker_ = std::exchange(other.worker_, nullptr);
    token_ = other.token_;
  }
  return *this;
}

void Watch::reset() {
  if (worker_ != nullptr) std::exchange(worker_, nullptr)->unwatch(token_);
}

Result<void> Watch::set_interest(event::Readiness interest) {
  CHECK(worker_ != nullptr);
  return worker_->epoll_.modify(FdRef(worker_->entries_.at(token_).fd), interest, token_);
}

Result<std::unique_ptr<Worker>> Worker::start(const std::string& name,
                                              const std::function<Result<void>()>& enter) {
  event::Epoll epoll = TRY(event::Epoll::create());
  event::EventFd wake = TRY(event::EventFd::create());
  TRY(epoll.add(wake.fd(), {.readable = true}, kWakeToken));
  std::unique_ptr<Worker> worker(new Worker(std::move(epoll), std::move(wake)));
  std::promise<Result<void>> entered;
  try {
    worker->thread_ = std::thread([raw = worker.get(), &entered, &enter] {
      Result<void> result = enter();
      const bool goes_on = result.ok();
      entered.set_value(std::move(result));
      if (goes_on) raw->loop();
    });
  } catch (const std::system_error& error) {
    return fail_with(error.code().value(), "starting the thread '", name, "'");
  }
  ::pthread_setname_np(worker->thread_.native_handle(), name.c_str());
  TRY(entered.get_future().get(), "entering the thread '", name, "'");
  return worker;
}

Worker::~Worker() {
  if (!thread_.joinable()) return;
  post([this] { stopping_ = true; });
  thread_.join();
}

void Worker::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.signal();
  arrived_.notify_one();
}

void Worker::run(const std::function<void()>& task) {
  if (std::this_thread::get_id() == thread_.get_id()) {
    task();
    return;
  }
  std::promise<void> done;
  post([&task, &done] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

void Worker::pause() {
  run([this] { paused_ = true; });
}

void Worker::resume() {
  run([this] { paused_ = false; });
}

Result<Watch> Worker::watch(FdRef fd, event::Readiness interest, Handler handler) {
  const std::uint64_t token = next_token_++;
  TRY(epoll_.add(fd, interest, token));
  entries_.emplace(token, Entry{fd.get(), std::move(handler)});
  return Watch(*this, token);
}

void Worker::unwatch(std::uint64_t token) {
  const auto entry = entries_.find(token);
  CHECK(entry != entries_.end());
  discard(epoll_.remove(FdRef(entry->second.fd)), "a closed descriptor has left the set");
  retired_.push_back(std::move(entry->second));
  entries_.erase(entry);
}

void Worker::run_tasks() {
  std::deque<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const std::function<void()>& task : tasks) task();
}

void Worker::serve_events() {
  const auto events = epoll_.wait(std::nullopt);
  CHECK(events.ok());
  for (const event::Event& event : events.value()) {
    if (event.token == kWakeToken) {
      wake_.take();
      run_tasks();
    }
    // A handler or task before this one may have paused us or dropped this watch.
    if (paused_ || stopping_) return;
    const auto entry = entries_.find(event.token);
    if (entry != entries_.end()) entry->second.handler(event.readiness);
    retired_.clear();
  }
}

void Worker::loop() {
  while (!stopping_) {
    if (paused_) {
      {
        std::unique_lock lock(mutex_);
        arrived_.wait(lock, [this] { return !tasks_.empty(); });
      }
      run_tasks();
    } else {
      serve_events();
    }
    retired_.clear();
  }
}

}  // namespace proa::vmm::virtio
