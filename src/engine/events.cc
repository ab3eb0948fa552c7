#include "engine/events.h"

#include <algorithm>

#include "base/time.h"

namespace proa::engine {

void Events::publish(Event event) {
  if (event.moment == 0) event.moment = now().time_since_epoch().count();
  {
    const std::lock_guard lock(mutex_);
    kept_.push_back(std::move(event));
    if (kept_.size() > kKept) {
      kept_.pop_front();
      ++first_;
    }
  }
  arrived_.notify_all();
}

Events::Listener Events::listen(std::optional<std::int64_t> since) {
  const std::lock_guard lock(mutex_);
  if (!since) return Listener(*this, first_ + kept_.size());
  const auto later = std::find_if(kept_.begin(), kept_.end(),
                                  [&](const Event& event) { return event.moment >= *since; });
  return Listener(*this, first_ + static_cast<std::uint64_t>(later - kept_.begin()));
}

std::optional<Event> Events::Listener::next(std::chrono::milliseconds limit) {
  std::unique_lock lock(events_.mutex_);
  const auto last = [&] { return events_.first_ + events_.kept_.size(); };
  events_.arrived_.wait_for(lock, limit, [&] { return position_ < last(); });
  if (position_ >= last()) return std::nullopt;
  position_ = std::max(position_, events_.first_);
  return events_.kept_[position_++ - events_.first_];
}

}  // namespace proa::engine
