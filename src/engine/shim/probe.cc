// The supervisor's health probes: execs whose output is kept instead of shown.
#include <csignal>

#include "base/time.h"
#include "engine/shim/supervisor.h"

namespace proa::engine {
namespace {

constexpr std::size_t kMaxOutput = 4096;  // bytes kept of what a probe says

std::vector<std::string> command_of(const wire::HealthCheck& check) {
  std::vector<std::string> arguments(check.command.begin() + 1, check.command.end());
  if (check.command.front() == "CMD-SHELL") arguments = {"/bin/sh", "-c", join(arguments, " ")};
  return arguments;
}

// Shared by the probe's output, its end, and its timeout, whichever comes last.
struct Probe {
  std::string output;
  bool timed_out = false;
  io::Loop::Timer timer = 0;
};

}  // namespace

void Supervisor::schedule_probe() {
  const auto since_start = io::Clock::now() - started_;
  probe_timer_ = loop_.after(health_->next_delay(since_start), [this] {
    probe_timer_ = 0;
    probe();
  });
}

void Supervisor::probe() {
  if (phase_ != Phase::running || paused_) return schedule_probe();
  const std::int64_t began = now().time_since_epoch().count();
  const std::string id = cat("health", ++probes_);
  wire::Process process = spec_.process;
  process.arguments = command_of(*spec_.health);
  process.terminal = false;
  process.open_input = false;

  const auto state = std::make_shared<Probe>();
  RunningExec& running = execs_[id];
  running.streams =
      std::make_unique<ProcessStreams>(loop_, [state](StreamKind, std::string_view bytes) {
        state->output += bytes.substr(0, kMaxOutput - state->output.size());
      });
  running.on_end = [this, began, state](const wire::Ending& ending) {
    loop_.cancel(state->timer);
    if (state->timed_out) state->output = "Health check exceeded timeout";
    probe_ended(began, !state->timed_out && ending.shell_code() == 0, ending, state->output);
  };
  state->timer = loop_.after(std::chrono::nanoseconds(spec_.health->timeout), [this, id, state] {
    state->timed_out = true;
    hull_->signal(id, SIGKILL, [](const Result<void>&) {});
  });
  hull_->exec(id, process, [this, id, began, state](Result<hull::Streams> streams) {
    const auto found = execs_.find(id);
    if (found == execs_.end()) return;
    if (streams.ok()) {
      discard(found->second.streams->begin(streams.take()), "a probe without output still counts");
      return;
    }
    loop_.cancel(state->timer);
    loop_.post([this, id] { execs_.erase(id); });
    probe_ended(began, false, {.code = 126}, streams.error().message());
  });
}

void Supervisor::probe_ended(std::int64_t began, bool success, const wire::Ending& ending,
                             const std::string& output) {
  if (!health_ || phase_ != Phase::running) return;
  health_->on_probe(success, io::Clock::now() - started_);
  wire::Record told{.kind = wire::RecordKind::health, .moment = began, .ending = ending};
  told.health = health_->health();
  told.failing_streak = health_->failing_streak();
  told.ended = now().time_since_epoch().count();
  told.output = output;
  discard(record(std::move(told)), "the next probe tells it again");
  schedule_probe();
}

void Supervisor::stop_probing() {
  loop_.cancel(std::exchange(probe_timer_, 0));
  health_.reset();
}

}  // namespace proa::engine
