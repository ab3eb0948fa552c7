#include "engine/shim/supervisor.h"

#include <csignal>

#include "base/time.h"

namespace proa::engine {
namespace {

// How long clients may take to read what a workload left behind.
constexpr std::chrono::seconds kLastReads{30};

std::int64_t moment_now() { return now().time_since_epoch().count(); }

Error not_running() { return fail(ErrorKind::busy, "the container is not running"); }

}  // namespace

Supervisor::Supervisor(io::Loop& loop, wire::Spec spec, JournalWriter journal, LogWriter log,
                       Listener listener)
    : loop_(loop),
      spec_(std::move(spec)),
      journal_(std::move(journal)),
      log_(std::move(log)),
      listener_(std::move(listener)),
      streams_(loop,
               [this](StreamKind stream, std::string_view bytes) { write_log(stream, bytes); }) {}

void Supervisor::write_log(StreamKind stream, std::string_view bytes) {
  // A full disk must not stop the workload; the next line is tried again.
  discard(log_.write(stream, bytes), "losing a line is better than losing the workload");
}

Result<void> Supervisor::record(wire::Record record, Durably durably) {
  if (record.moment == 0) record.moment = moment_now();
  Result<void> written = journal_.append(record, durably);
  listener_.on_record(record);
  return written;
}

void Supervisor::ensure_created(hull::Done<> done) {
  if (created_) return done(*created_);
  hull_->create([this, done = std::move(done)](Result<void> outcome) mutable {
    created_ = std::move(outcome);
    done(*created_);
  });
}

void Supervisor::start(hull::Done<> done) {
  if (phase_ == Phase::leaving) return done(not_running());
  if (phase_ != Phase::idle) return done({});
  phase_ = Phase::starting;
  ensure_created([this, done = std::move(done)](Result<void> outcome) mutable {
    if (!outcome.ok()) {
      phase_ = Phase::idle;
      streams_.dismiss();
      return done(std::move(outcome));
    }
    start_process(std::move(done));
  });
}

void Supervisor::start_process(hull::Done<> done) {
  phase_ = Phase::starting;
  asked_ = false;
  out_of_memory_ = false;
  hull_->start([this, done = std::move(done)](Result<hull::Streams> streams) mutable {
    if (!streams.ok()) {
      phase_ = Phase::idle;
      streams_.dismiss();
      return done(std::move(streams).error());
    }
    phase_ = Phase::running;
    started_ = io::Clock::now();
    shown_number_ = streams.value().shown_number;
    Result<void> begun = streams_.begin(streams.take());
    wire::Record started{.kind = wire::RecordKind::started, .restarts = restarts_};
    started.shown_number = shown_number_;
    Result<void> recorded = record(std::move(started));
    if (spec_.health && !spec_.health->command.empty()) {
      health_.emplace(*spec_.health);
      schedule_probe();
    }
    done(begun.ok() ? std::move(recorded) : std::move(begun));
  });
}

void Supervisor::on_ready() {}

void Supervisor::on_out_of_memory() {
  if (std::exchange(out_of_memory_, true)) return;
  discard(record({.kind = wire::RecordKind::out_of_memory}), "the end tells it again");
}

void Supervisor::on_end(const wire::Ending& ending) {
  // The end may overtake the notice of what caused it; it is told once, and first.
  if (ending.out_of_memory && !out_of_memory_) on_out_of_memory();
  loop_.cancel(std::exchange(kill_timer_, 0));
  stop_probing();
  phase_ = Phase::draining;
  paused_ = false;
  ending_ = ending;
  ending_.out_of_memory = out_of_memory_;
  streams_.finish(ending_, [this] { ended(); });
}

// The output is complete: the end becomes durable, then the policy decides.
void Supervisor::ended() {
  discard(log_.finish(), "losing a line is better than losing the workload");
  wire::Record exited{.kind = wire::RecordKind::exited, .ending = ending_, .restarts = restarts_};
  exited.asked = asked_;
  discard(record(std::move(exited), spec_.ephemeral ? Durably::no : Durably::yes),
          "a full disk: the listeners know, and the next record is tried again");
  const std::chrono::nanoseconds ran = io::Clock::now() - started_;
  std::vector<hull::Done<>> waiting = std::exchange(waiting_for_end_, {});
  if (std::exchange(restart_asked_, false)) {
    restarts_ = 0;
    last_delay_ = {};
    phase_ = Phase::starting;
    // Posted: the old run's clients are told of its end first.
    loop_.post([this, waiting = std::move(waiting)]() mutable {
      start_process([waiting = std::move(waiting)](Result<void> outcome) mutable {
        for (hull::Done<>& done : waiting) done(outcome);
      });
    });
    return;
  }
  for (hull::Done<>& done : waiting) done({});
  const auto restart =
      decide_restart(spec_.restart, {ending_, asked_, restarts_, ran, last_delay_});
  if (!restart) return leave();
  start_again(restart->delay);
}

void Supervisor::start_again(std::chrono::nanoseconds delay) {
  phase_ = Phase::waiting;
  last_delay_ = delay;
  ++restarts_;
  discard(
      record({.kind = wire::RecordKind::restarting, .delay = delay.count(), .restarts = restarts_}),
      "the restart itself matters more");
  restart_timer_ = loop_.after(delay, [this] {
    restart_timer_ = 0;
    start_process([this](Result<void> outcome) {
      if (outcome.ok()) return;
      // What cannot start counts as one more failed run.
      ending_ = {.code = 127, .failure = outcome.error().message()};
      ended();
    });
  });
}

void Supervisor::leave() {
  discard(record({.kind = wire::RecordKind::finished}), "the lock tells it too");
  phase_ = Phase::leaving;
  // Posted: whoever was answered just now gets the answer before the teardown takes its time.
  loop_.post([this] { remove([](const Result<void>&) {}); });
}

void Supervisor::remove(hull::Done<> done) {
  phase_ = Phase::leaving;
  hull_->remove([this, done = std::move(done)](Result<void> outcome) mutable {
    done(std::move(outcome));
    if (!streams_.has_clients()) return listener_.on_gone();
    // Clients read the rest at their own pace, but not for ever.
    streams_.on_empty([this] { listener_.on_gone(); });
    loop_.after(kLastReads, [this] { listener_.on_gone(); });
  });
}

void Supervisor::end_process(int signal, std::int64_t timeout) {
  asked_ = true;
  if (paused_) resume([](const Result<void>&) {});
  hull_->signal("", signal, [](const Result<void>&) {});
  if (timeout < 0) return;
  loop_.cancel(kill_timer_);
  kill_timer_ = loop_.after(std::chrono::nanoseconds(timeout), [this] {
    kill_timer_ = 0;
    hull_->signal("", SIGKILL, [](const Result<void>&) {});
  });
}

void Supervisor::stop(const wire::Stop& request, hull::Done<> done) {
  if (phase_ == Phase::waiting) {
    loop_.cancel(std::exchange(restart_timer_, 0));
    done({});
    return leave();
  }
  if (phase_ != Phase::running && phase_ != Phase::draining) return done({});
  waiting_for_end_.push_back(std::move(done));
  asked_ = true;
  if (phase_ == Phase::draining) return;
  end_process(request.signal != 0 ? request.signal : spec_.stop_signal, request.timeout);
}

void Supervisor::restart(const wire::Stop& request, hull::Done<> done) {
  if (phase_ == Phase::waiting) {
    loop_.cancel(std::exchange(restart_timer_, 0));
    return start_process(std::move(done));
  }
  if (phase_ != Phase::running && phase_ != Phase::draining) return start(std::move(done));
  restart_asked_ = true;
  stop(request, std::move(done));
}

void Supervisor::signal(const wire::Signal& request, hull::Done<> done) {
  if (request.exec.empty() && phase_ != Phase::running) return done(not_running());
  // A kill by hand keeps the workload down, any other signal is its own affair (as docker).
  if (request.exec.empty() && (request.number == SIGKILL || request.number == spec_.stop_signal)) {
    asked_ = true;
  }
  hull_->signal(request.exec, request.number, std::move(done));
}

void Supervisor::pause(hull::Done<> done) {
  if (phase_ != Phase::running) return done(not_running());
  hull_->pause([this, done = std::move(done)](Result<void> outcome) mutable {
    if (outcome.ok()) {
      paused_ = true;
      outcome = record({.kind = wire::RecordKind::paused});
    }
    done(std::move(outcome));
  });
}

void Supervisor::resume(hull::Done<> done) {
  hull_->resume([this, done = std::move(done)](Result<void> outcome) mutable {
    if (outcome.ok()) {
      paused_ = false;
      outcome = record({.kind = wire::RecordKind::resumed});
    }
    done(std::move(outcome));
  });
}

void Supervisor::attach(Fd connection, wire::Attachment wanted, hull::Done<> done) {
  done(streams_.attach(std::move(connection), std::move(wanted)));
}

void Supervisor::exec(wire::Exec request, std::vector<Fd> connections, hull::Done<> done) {
  if (phase_ != Phase::running) return done(not_running());
  if (execs_.contains(request.id))
    return done(fail(ErrorKind::already_exists, "exec runs already"));
  RunningExec& running = execs_[request.id];
  running.streams = std::make_unique<ProcessStreams>(loop_, [](StreamKind, std::string_view) {});
  if (connections.size() == 2) {
    // A second connection takes standard error alone.
    request.attachment.error = false;
    discard(running.streams->attach(std::move(connections[1]), {.error = true}),
            "its other end sees the stream end");
  }
  if (!connections.empty()) {
    const Result<void> attached =
        running.streams->attach(std::move(connections[0]), std::move(request.attachment));
    if (!attached.ok()) {
      execs_.erase(request.id);
      return done(attached);
    }
  }
  const std::string id = request.id;
  hull_->exec(id, request.process,
              [this, id, done = std::move(done)](Result<hull::Streams> streams) mutable {
                const auto found = execs_.find(id);
                if (found == execs_.end()) return done(not_running());
                if (!streams.ok()) {
                  const wire::Ending failed{.code = 126, .failure = streams.error().message()};
                  found->second.streams->finish(failed, {});
                  loop_.post([this, id] { execs_.erase(id); });
                  return done(std::move(streams).error());
                }
                Result<void> begun = found->second.streams->begin(streams.take());
                discard(record({.kind = wire::RecordKind::exec_started, .exec = id}),
                        "its end is told too");
                done(std::move(begun));
              });
}

void Supervisor::on_exec_end(const std::string& exec, const wire::Ending& ending) {
  const auto found = execs_.find(exec);
  if (found == execs_.end()) return;
  found->second.streams->finish(ending, [this, exec, ending] {
    const auto ended = execs_.find(exec);
    if (ended == execs_.end()) return;
    if (ended->second.on_end) {
      ended->second.on_end(ending);
    } else {
      discard(record({.kind = wire::RecordKind::exec_ended, .ending = ending, .exec = exec}),
              "the listeners know");
      listener_.on_exec_end(exec, ending);
    }
    const auto erase = [this, exec] { execs_.erase(exec); };
    ended->second.streams->on_empty([this, erase] { loop_.post(erase); });
    if (!ended->second.streams->has_clients()) loop_.post(erase);
  });
}

void Supervisor::update(const wire::Update& request, hull::Done<> done) {
  if (request.restart) spec_.restart = *request.restart;
  if (request.resources.empty()) return done({});
  hull_->update(request.resources, std::move(done));
}

wire::Snapshot Supervisor::snapshot() const {
  wire::Snapshot snapshot;
  snapshot.sequence = journal_.sequence();
  snapshot.running = phase_ == Phase::running || phase_ == Phase::draining;
  snapshot.paused = paused_;
  if (snapshot.running) snapshot.shown_number = shown_number_;
  for (const auto& [id, exec] : execs_) {
    if (!exec.on_end) snapshot.execs.push_back(id);
  }
  return snapshot;
}

}  // namespace proa::engine
