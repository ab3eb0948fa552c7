// The agent: serves the shim's requests over the machine's port, by a light hull in the guest.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "hull/hull.h"
#include "io/frame_link.h"
#include "io/loop.h"
#include "io/stream_mux.h"
#include "wire/codec.h"
#include "wire/guest.h"

namespace proa::guest {

// Thread: the loop's. Owner: the main function.
class Agent : private hull::Observer {
 public:
  explicit Agent(io::Loop& loop);
  ~Agent() override;

  // Says hello on `port` and serves until the host goes; then the loop is stopped.
  Result<void> serve(Fd port);
  // Serves requests that lie in a file as if they had come over the port.
  Result<void> serve_recorded(std::string frames);

 private:
  void on_ready() override {}
  void on_end(const wire::Ending& ending) override;
  void on_exec_end(const std::string& exec, const wire::Ending& ending) override;
  void on_out_of_memory() override;

  void on_frame(wire::Frame frame);
  Result<void> dispatch(const wire::Frame& frame);
  Result<void> dispatch_request(const wire::Frame& frame);
  Result<void> dispatch_files(const wire::Frame& frame);
  Result<void> configure(const wire::Configure& configure);
  Result<void> join_network(const wire::Endpoint& endpoint);
  Result<void> leave_network(const std::string& network);

  void send(wire::MessageType type, std::uint32_t call, std::string body);
  // An answer that is longer than a frame fails.
  void reply_with(std::uint32_t call, wire::MessageType type, std::string body);
  void answer(std::uint32_t call, const Result<void>& outcome);
  hull::Done<> done(std::uint32_t call);
  hull::Done<hull::Streams> connect_streams(std::uint32_t call, wire::StreamNumbers numbers);
  hull::Done<Fd> send_tar(std::uint32_t call, std::uint32_t stream);
  // Ends the agent once the host has the tars that are under way.
  void leave(std::uint32_t call);
  // Gives what a query gave as an answer of `type`.
  template <typename Reply, typename Value>
  hull::Done<Value> reply(std::uint32_t call, wire::MessageType type, Value Reply::* member);
  template <typename Value>
  hull::Done<Value> reply(std::uint32_t call, wire::MessageType type);

  io::Loop& loop_;
  std::unique_ptr<io::FrameLink> link_;
  io::StreamMux streams_;
  std::unique_ptr<hull::Hull> hull_;
  std::vector<wire::Endpoint> endpoints_;  // that the machine is on
  std::set<std::uint32_t> tars_;           // streams that may still be under way
  io::Clock::time_point patience_ends_ = io::Clock::time_point::max();  // for them
};

}  // namespace proa::guest
