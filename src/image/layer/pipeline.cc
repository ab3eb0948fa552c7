#include "image/layer/pipeline.h"

#include <utility>

namespace proa::image {

Pipeline::Pipeline(Take take, Threads threads) : take_(std::move(take)), threads_(threads) {
  if (threads_ == Threads::overlapped) thread_ = std::thread([this] { run(); });
}

Pipeline::~Pipeline() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    full_ = {};
  }
  changed_.notify_all();
  thread_.join();
}

Result<MutableByteSpan> Pipeline::space() {
  if (used_ == kBuffer) TRY(pass_on());
  std::vector<std::byte>& buffer = buffers_[filling_];
  if (buffer.empty()) buffer.resize(kBuffer);
  return MutableByteSpan(buffer).subspan(used_);
}

Result<void> Pipeline::filled(std::size_t count) {
  used_ += count;
  bytes_ += count;
  return {};
}

Result<void> Pipeline::finish() {
  if (used_ != 0) TRY(pass_on());
  if (!thread_.joinable()) return {};
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
  if (error_) return *error_;
  return {};
}

Result<void> Pipeline::pass_on() {
  if (threads_ == Threads::overlapped) return pass_to_thread();
  return take_(ByteSpan(buffers_[filling_]).first(std::exchange(used_, 0)));
}

// Hands the filled buffer over and waits for the next to be free.
Result<void> Pipeline::pass_to_thread() {
  std::unique_lock lock(mutex_);
  full_[filling_] = std::exchange(used_, 0);
  changed_.notify_all();
  filling_ = (filling_ + 1) % kBuffers;
  changed_.wait(lock, [this] { return full_[filling_] == 0 || error_; });
  if (error_) return *error_;
  return {};
}

void Pipeline::run() {
  for (std::size_t taking = 0;; taking = (taking + 1) % kBuffers) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return full_[taking] != 0 || is_ending_; });
    const std::size_t count = full_[taking];
    if (count == 0) return;
    lock.unlock();
    Result<void> taken = take_(ByteSpan(buffers_[taking]).first(count));
    lock.lock();
    full_[taking] = 0;
    const bool failed = !taken.ok();
    if (failed) error_ = std::move(taken).error();
    lock.unlock();
    changed_.notify_all();
    if (failed) return;
  }
}

}  // namespace proa::image
