// The shim's end of the connection with a guest's agent. The guest is hostile: its frames are
// bounded in length (wire/frame.h), its streams by credit, answers count only where they were
// asked for, and anything out of shape ends the connection.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "hull/hull.h"
#include "io/frame_link.h"
#include "io/loop.h"
#include "io/stream_mux.h"
#include "wire/codec.h"
#include "wire/guest.h"

namespace proa::hull {

// Thread: the loop's. Owner: the heavy hull.
class GuestLink {
 public:
  struct Notices {
    std::move_only_function<void()> on_hello;
    std::move_only_function<void(wire::ExecEnded)> on_exec_end;
    std::move_only_function<void()> on_out_of_memory;
    // The connection is over: the agent has gone (then `why` is empty), or broke the protocol.
    // Every open call has failed with `unavailable` before.
    std::move_only_function<void(const std::string& why)> on_closed;
  };

  static Result<std::unique_ptr<GuestLink>> open(io::Loop& loop, Fd socket, Notices notices);

  void call(wire::MessageType type, std::string body, Done<wire::Frame> done);
  template <typename Message>
  void ask(wire::MessageType type, const Message& message, Done<> done) {
    call(type, wire::encode(message), [done = std::move(done)](Result<wire::Frame> frame) mutable {
      frame.ok() ? done({}) : done(std::move(frame).error());
    });
  }
  template <typename Reply, typename Message>
  void query(wire::MessageType type, const Message& message, Done<Reply> done) {
    call(type, wire::encode(message), [done = std::move(done)](Result<wire::Frame> frame) mutable {
      if (!frame.ok()) return done(std::move(frame).error());
      done(wire::decode<Reply>(frame.value().body));
    });
  }

  // A number that no stream had before.
  std::uint32_t next_stream() { return ++last_stream_; }
  io::StreamMux& streams() { return streams_; }

 private:
  GuestLink(io::Loop& loop, Notices notices);
  void on_frame(wire::Frame frame);
  Result<void> dispatch(wire::Frame frame);
  void end(const std::string& why);

  Notices notices_;
  std::unique_ptr<io::FrameLink> link_;
  io::StreamMux streams_;
  std::map<std::uint32_t, Done<wire::Frame>> calls_;
  std::uint32_t last_call_ = 0;
  std::uint32_t last_stream_ = 0;
  bool greeted_ = false;
};

}  // namespace proa::hull
