// The streams of one process and everybody attached to them: what it writes goes to the log and
// to each client, what clients send goes to its standard input. A client that reads slowly holds
// the process up, behind a bounded buffer; one that has gone never does.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <vector>

#include "base/fd.h"
#include "engine/shim/log_writer.h"
#include "hull/hull.h"
#include "io/loop.h"
#include "wire/messages.h"

namespace proa::engine {

// Thread: the loop's. Owner: the shim's supervisor.
class ProcessStreams {
 public:
  using Sink = std::move_only_function<void(StreamKind stream, std::string_view bytes)>;

  static constexpr std::size_t kClientBuffer = 256 << 10;  // bytes; beyond it the process waits
  static constexpr std::size_t kInputBuffer = 64 << 10;    // bytes; beyond it clients wait
  // How long after the process's end its streams may stay open in other hands.
  static constexpr std::chrono::seconds kDrainLimit{2};

  ProcessStreams(io::Loop& loop, Sink log) : loop_(loop), log_(std::move(log)) {}
  ProcessStreams(const ProcessStreams&) = delete;
  ProcessStreams& operator=(const ProcessStreams&) = delete;
  ~ProcessStreams();

  // Takes a client on, before or while the process runs.
  Result<void> attach(Fd connection, wire::Attachment wanted);
  // The process runs.
  Result<void> begin(hull::Streams streams);
  // The process has ended: reads what is left, tells the clients, then calls `drained`. They go
  // once they have read all.
  void finish(const wire::Ending& ending, io::Task drained);
  // The process could not be started: the clients go once they have read what there is.
  void dismiss();
  bool has_clients() const { return !clients_.empty(); }
  // Called whenever the last client goes.
  void on_empty(io::Task task) { on_empty_ = std::move(task); }

 private:
  struct Client {
    Fd connection;
    wire::Attachment wanted;
    std::string unsent;
    std::size_t matched_keys = 0;  // of the detach keys, at the end of what it sent
    bool input_ended = false;
    bool closing = false;  // goes once `unsent` is sent
    bool gone = false;
  };
  using ClientPlace = std::list<Client>::iterator;

  void watch_sources();
  void on_source(StreamKind stream);
  void source_ended(StreamKind stream);
  void complete();
  void sweep_later();
  void deliver(StreamKind stream, std::string_view bytes);
  void queue(Client& client, StreamKind stream, std::string_view bytes);
  void on_client(ClientPlace client, io::Readiness readiness);
  void read_client(Client& client);
  // Takes the detach keys out of what was read; true where they are complete.
  bool scan_keys(Client& client, std::string& bytes);
  void flush_client(Client& client);
  void flush_input();
  void on_input_writable();
  void close_input();
  void update_interest(Client& client);
  void sweep();
  bool held_up() const;
  Fd& source(StreamKind stream) { return stream == StreamKind::error ? error_ : output_; }

  io::Loop& loop_;
  Sink log_;
  std::list<Client> clients_;
  Fd input_, output_, error_;
  bool begun_ = false;
  bool sources_watched_ = false;
  bool input_watched_ = false;
  bool close_input_when_sent_ = false;
  std::string pending_input_;
  std::optional<wire::Ending> ending_;
  io::Task drained_;
  io::Task on_empty_;
  io::Loop::Timer drain_timer_ = 0;
};

}  // namespace proa::engine
