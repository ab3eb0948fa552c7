#include "compose/run/wait.h"

#include "client/http/request.h"
#include "kernel/event/epoll.h"

namespace proa::compose {
namespace {

Error not_reached(const std::string& name, std::string_view why) {
  return fail(ErrorKind::unavailable, "container ", name, " ", why);
}

// Whether it is there; an error says that it will not be.
Result<bool> reached(const Inspected& now, const std::string& name, Until until) {
  const bool over = now.state == "exited" || now.state == "dead" || now.state == "removing";
  switch (until) {
    case Until::completed:
      if (!over) return false;
      if (now.exit_code != 0) {
        return not_reached(name, cat("didn't complete successfully: exit ", now.exit_code));
      }
      return true;
    case Until::healthy:
      if (over) return not_reached(name, cat("exited (", now.exit_code, ")"));
      if (now.health.empty() && now.state == "running") {
        return not_reached(name, "has no healthcheck configured");
      }
      break;
    case Until::running_or_healthy:
      if (over) return not_reached(name, cat("exited (", now.exit_code, ")"));
      if (now.health.empty()) return now.state == "running";
      break;
  }
  if (now.health == "unhealthy") return not_reached(name, "is unhealthy");
  return now.health == "healthy";
}

// Waits until the engine tells something about the container.
Result<void> next_event(client::Connection& events, event::Epoll& epoll, const std::string& name,
                        std::optional<Clock::time_point> deadline) {
  if (!events.has_input()) {
    std::optional<std::chrono::milliseconds> limit;
    if (deadline) {
      limit = std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - Clock::now());
      if (limit->count() <= 0) {
        return fail(ErrorKind::timeout, "container ", name, " is not ready in time");
      }
    }
    const auto ready = TRY(epoll.wait(limit));
    if (ready.empty()) return {};
  }
  const auto piece = TRY(events.next());
  if (!piece) return fail(ErrorKind::unavailable, "the engine closed the stream of events");
  return {};
}

}  // namespace

Result<void> await(EngineCalls& calls, const std::string& id, const std::string& name, Until until,
                   std::optional<Clock::time_point> deadline) {
  // Listened to before the first look, so that nothing is missed in between.
  client::Client listener(calls.client().address());
  client::Request request("GET", "/events");
  request.query("filters",
                json::print(json::Value::Object{{"container", std::vector<std::string>{id}}}));
  client::Connection events = TRY(listener.open(request));
  event::Epoll epoll = TRY(event::Epoll::create());
  TRY(epoll.add(events.socket(), {.readable = true}, 0));
  while (true) {
    const Inspected now = TRY(calls.inspect(id));
    const bool done = TRY(reached(now, name, until));
    if (done) return {};
    TRY(next_event(events, epoll, name, deadline));
  }
}

}  // namespace proa::compose
