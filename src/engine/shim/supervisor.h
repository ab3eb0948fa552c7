// What a shim does with its workload over time: starts it, records and tells what happens, applies
// the restart policy, probes its health, ends it. Knows the hull only by hull.h, and sessions only
// as listeners. The rules are docs/architecture.md, "Shims".
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/health.h"
#include "engine/journal.h"
#include "engine/restart.h"
#include "engine/shim/log_writer.h"
#include "engine/shim/process_streams.h"
#include "hull/hull.h"
#include "io/loop.h"
#include "wire/messages.h"

namespace proa::engine {

// Thread: the loop's. Owner: the shim's main function.
class Supervisor : private hull::Observer {
 public:
  // What the sessions are told.
  struct Listener {
    std::move_only_function<void(const wire::Record&)> on_record;
    std::move_only_function<void(const std::string&, const wire::Ending&)> on_exec_end;
    // The hull is removed and the clients have gone: the shim may end.
    std::move_only_function<void()> on_gone;
  };

  Supervisor(io::Loop& loop, wire::Spec spec, JournalWriter journal, LogWriter log,
             Listener listener);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // The hull is made with this as its observer, and given before anything else is called.
  hull::Observer& observer() { return *this; }
  void set_hull(hull::Hull& hull) { hull_ = &hull; }
  hull::Hull& hull() { return *hull_; }

  // Makes the hull on the first call and gives its outcome to all.
  void ensure_created(hull::Done<> done);
  void start(hull::Done<> done);
  void stop(const wire::Stop& request, hull::Done<> done);
  void restart(const wire::Stop& request, hull::Done<> done);
  void signal(const wire::Signal& request, hull::Done<> done);
  void pause(hull::Done<> done);
  void resume(hull::Done<> done);
  void attach(Fd connection, wire::Attachment wanted, hull::Done<> done);
  void exec(wire::Exec request, std::vector<Fd> connections, hull::Done<> done);
  void update(const wire::Update& request, hull::Done<> done);
  wire::Snapshot snapshot() const;
  // Ends the workload's stay for good: the hull is removed, then the listener told.
  void remove(hull::Done<> done);
  // Nothing runs and nothing will by itself: a shim without sessions may go.
  bool idle() const { return phase_ == Phase::idle; }
  bool leaving() const { return phase_ == Phase::leaving; }

 private:
  enum class Phase : std::uint8_t { idle, starting, running, draining, waiting, leaving };

  struct RunningExec {
    std::unique_ptr<ProcessStreams> streams;
    std::move_only_function<void(const wire::Ending&)> on_end;
  };

  void on_ready() override;
  void on_end(const wire::Ending& ending) override;
  void on_exec_end(const std::string& exec, const wire::Ending& ending) override;
  void on_out_of_memory() override;

  void start_process(hull::Done<> done);
  void ended();
  void start_again(std::chrono::nanoseconds delay);
  void end_process(int signal, std::int64_t timeout);
  void write_log(StreamKind stream, std::string_view bytes);
  Result<void> record(wire::Record record, Durably durably = Durably::no);
  void leave();

  void schedule_probe();
  void probe();
  void probe_ended(std::int64_t began, bool success, const wire::Ending& ending,
                   const std::string& output);
  void stop_probing();

  io::Loop& loop_;
  wire::Spec spec_;
  JournalWriter journal_;
  LogWriter log_;
  Listener listener_;
  hull::Hull* hull_ = nullptr;
  ProcessStreams streams_;
  std::map<std::string, RunningExec> execs_;

  Phase phase_ = Phase::idle;
  std::optional<Result<void>> created_;
  std::vector<hull::Done<>> waiting_for_end_;
  bool paused_ = false;
  bool asked_ = false;          // the present end was asked for
  bool restart_asked_ = false;  // ... by restart
  bool out_of_memory_ = false;
  wire::Ending ending_;
  io::Clock::time_point started_;
  std::uint32_t restarts_ = 0;
  std::chrono::nanoseconds last_delay_{0};
  std::uint32_t shown_number_ = 0;  // of the first process, for people
  io::Loop::Timer kill_timer_ = 0;
  io::Loop::Timer restart_timer_ = 0;

  std::optional<HealthState> health_;
  io::Loop::Timer probe_timer_ = 0;
  std::uint64_t probes_ = 0;  // of this run: names the probes' execs
};

}  // namespace proa::engine
