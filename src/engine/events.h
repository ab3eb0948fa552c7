// What happened, for everybody who listens: docker's events. The last kKept are kept in memory for
// `since`; the past before that is gone with them, as with docker.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace proa::engine {

// Units: moment in nanoseconds since 1970.
struct Event {
  std::string type;    // "container", "image", "volume", "network"
  std::string action;  // "start", "die", "health_status: healthy"
  std::string actor;   // an id or a name
  std::map<std::string, std::string> attributes;
  std::int64_t moment = 0;
};

// Thread: any. Owner: the engine.
class Events {
 public:
  static constexpr std::size_t kKept = 1024;

  // `moment` 0 is now.
  void publish(Event event);

  // Reads events one by one from `position` on. Thread: one. Must not outlive Events.
  class Listener {
   public:
    // The next event, or nothing when `limit` has passed or the listener was interrupted.
    std::optional<Event> next(std::chrono::milliseconds limit);

   private:
    friend class Events;
    Listener(Events& events, std::uint64_t position) : events_(events), position_(position) {}
    Events& events_;
    std::uint64_t position_;
  };

  // From `since` (nanoseconds since 1970) on, or from now where absent.
  Listener listen(std::optional<std::int64_t> since);

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Event> kept_;
  std::uint64_t first_ = 0;  // the position of kept_'s first
};

}  // namespace proa::engine
