#include "engine/replay.h"

#include <csignal>

namespace proa::engine {
namespace {

constexpr std::size_t kKeptProbes = 5;

void apply_health(State& state, const wire::Record& record) {
  state.health = record.health;
  state.failing_streak = record.failing_streak;
  state.probes.push_back({record.moment, record.ended, record.ending.shell_code(), record.output});
  if (state.probes.size() > kKeptProbes) state.probes.erase(state.probes.begin());
}

void apply_started(Workload& workload, const wire::Record& record) {
  State& state = workload.state;
  state.phase = Phase::running;
  state.started = record.moment;
  state.ending = {};
  state.error.clear();
  state.out_of_memory = false;
  state.restarts = record.restarts;
  state.shown_number = record.shown_number;
  state.probes.clear();
  state.failing_streak = 0;
  const bool checked = workload.config.health && !workload.config.health->command.empty();
  state.health = checked ? wire::Health::starting : wire::Health::none;
}

void apply_exited(State& state, const wire::Record& record) {
  state.phase = Phase::exited;
  state.finished = record.moment;
  state.ending = record.ending;
  state.error = record.ending.failure;
  state.out_of_memory = record.ending.out_of_memory;
  state.stopped_by_hand = record.asked;
  state.shown_number = 0;
}

}  // namespace

Event event_of(const Workload& workload, std::string action) {
  Event event{"container", std::move(action), workload.id, workload.config.labels, 0};
  event.attributes["name"] = workload.name;
  event.attributes["image"] = workload.config.image;
  return event;
}

std::vector<Event> apply_record(Workload& workload, const wire::Record& record) {
  State& state = workload.state;
  if (record.sequence <= state.sequence) return {};
  state.sequence = record.sequence;
  std::vector<Event> events;
  const auto happened = [&](std::string action) -> Event& {
    Event event = event_of(workload, std::move(action));
    event.moment = record.moment;
    return events.emplace_back(std::move(event));
  };
  switch (record.kind) {
    case wire::RecordKind::started:
      apply_started(workload, record);
      happened("start");
      break;
    case wire::RecordKind::exited:
      apply_exited(state, record);
      happened("die").attributes["exitCode"] = cat(record.ending.shell_code());
      if (record.asked) happened("stop");
      break;
    case wire::RecordKind::restarting:
      state.phase = Phase::restarting;
      state.restarts = record.restarts;
      break;
    case wire::RecordKind::finished:
      state.phase = Phase::exited;
      break;
    case wire::RecordKind::paused:
      state.phase = Phase::paused;
      happened("pause");
      break;
    case wire::RecordKind::resumed:
      state.phase = Phase::running;
      happened("unpause");
      break;
    case wire::RecordKind::health: {
      const wire::Health before = state.health;
      apply_health(state, record);
      if (state.health == before) break;
      happened(state.health == wire::Health::healthy ? "health_status: healthy"
                                                     : "health_status: unhealthy");
      break;
    }
    case wire::RecordKind::out_of_memory:
      state.out_of_memory = true;
      happened("oom");
      break;
    case wire::RecordKind::exec_started:
      happened("exec_start").attributes["execID"] = record.exec;
      break;
    case wire::RecordKind::exec_ended: {
      Event& event = happened("exec_die");
      event.attributes["execID"] = record.exec;
      event.attributes["exitCode"] = cat(record.ending.shell_code());
      break;
    }
  }
  return events;
}

wire::Record lost_record(const Workload& workload, std::int64_t moment) {
  wire::Record record{
      .kind = wire::RecordKind::exited, .sequence = workload.state.sequence + 1, .moment = moment};
  record.ending = {.signalled = true, .code = SIGKILL};
  record.restarts = workload.state.restarts;
  return record;
}

}  // namespace proa::engine
