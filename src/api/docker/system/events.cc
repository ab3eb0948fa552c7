// What happens, as a stream of JSON objects, one a line.
#include <algorithm>

#include "api/docker/filters.h"
#include "api/docker/resources.h"
#include "api/route/shape.h"
#include "api/services.h"
#include "base/time.h"

namespace proa::api::docker {
namespace {

using engine::Event;
using json::Value;

constexpr std::chrono::milliseconds kLookForClient{1000};

Value print_event(const Event& event) {
  Value value = Value::object();
  if (event.type == "container" || event.type == "image") {
    // What the first clients looked at.
    value.set("status", event.action);
    value.set("id", event.actor);
    if (const auto image = event.attributes.find("image"); image != event.attributes.end()) {
      value.set("from", image->second);
    }
  }
  value.set("Type", event.type);
  value.set("Action", event.action);
  Value actor = Value::object();
  actor.set("ID", event.actor);
  actor.set("Attributes", print_shape(event.attributes));
  value.set("Actor", std::move(actor));
  value.set("scope", "local");
  value.set("time", event.moment / 1'000'000'000);
  value.set("timeNano", event.moment);
  return value;
}

// Whether one of a filter's values names the event's actor of that type, by id or name.
bool names_actor(const Event& event, const std::string& type,
                 const std::vector<std::string>& values) {
  return event.type == type && std::ranges::any_of(values, [&](const std::string& value) {
           const auto name = event.attributes.find("name");
           const bool by_name = name != event.attributes.end() && name->second == value;
           return by_name || (!value.empty() && event.actor.starts_with(value));
         });
}

bool matches(const Event& event, const engine::Filters& filters) {
  return std::ranges::all_of(filters, [&](const auto& filter) {
    const auto& [key, values] = filter;
    if (values.empty()) return true;
    const auto any = [&](auto holds) { return std::ranges::any_of(values, holds); };
    if (key == "event") {
      return any([&](const std::string& value) {
        return event.action == value || event.action.starts_with(value + ":");
      });
    }
    if (key == "type") return any([&](const auto& value) { return event.type == value; });
    if (key == "scope") return any([](const auto& value) { return value == "local"; });
    if (key == "label") {
      return std::ranges::all_of(values, [&](const std::string& value) {
        return labels_match(event.attributes, {{"label", {value}}});
      });
    }
    if (key == "image") {
      if (names_actor(event, "image", values)) return true;
      const auto image = event.attributes.find("image");
      return image != event.attributes.end() &&
             any([&](const auto& value) { return image->second == value; });
    }
    return names_actor(event, key, values);
  });
}

Result<void> events(Services& services, Request& request) {
  const engine::Filters filters = TRY(request.filters());
  TRY(check_filters(filters, {"config", "container", "daemon", "event", "image", "label", "network",
                              "node", "plugin", "scope", "secret", "service", "type", "volume"}));
  const auto since = TRY(request.moment("since"));
  const auto until = TRY(request.moment("until"));
  auto listener = services.engine.events().listen(since);
  http::Connection& connection = request.connection();
  TRY(connection.begin_chunks(200, request.headers("application/json")));
  while (true) {
    auto patience = kLookForClient;
    if (until) {
      const auto left = std::chrono::nanoseconds(*until) - now().time_since_epoch();
      patience = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(left),
                            std::chrono::milliseconds(0), kLookForClient);
    }
    const std::optional<Event> event = listener.next(patience);
    if (!event) {
      if (until && now().time_since_epoch().count() >= *until) break;
      if (connection.client_closed()) break;
      continue;
    }
    if (until && event->moment > *until) break;
    if ((since && event->moment < *since) || !matches(*event, filters)) continue;
    TRY(connection.write_chunk(bytes_of(json::print(print_event(*event)).append("\n"))));
  }
  return connection.end_chunks();
}

}  // namespace

void add_events(Routes& routes) { routes.push_back({"GET", "/events", events}); }

}  // namespace proa::api::docker
