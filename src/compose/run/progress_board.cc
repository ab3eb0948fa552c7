#include "compose/run/progress_board.h"

namespace proa::compose {

void ProgressBoard::finish(const std::string& service, const Result<void>& outcome) {
  {
    const std::lock_guard lock(mutex_);
    finished_[service] = outcome.ok();
    if (!outcome.ok() && !first_) first_ = outcome.error();
  }
  changed_.notify_all();
}

Result<void> ProgressBoard::await(const std::string& service) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return finished_.contains(service); });
  if (finished_[service]) return {};
  return fail(ErrorKind::unavailable, "dependency ", service, " failed to start");
}

Result<void> ProgressBoard::outcome() const {
  const std::lock_guard lock(mutex_);
  if (first_) return *first_;
  return {};
}

}  // namespace proa::compose
