// One supervisor connection: wire frames over a unix stream socket, where descriptors ride on them,
// or over a character device, in both directions, on a loop. Who answers what is not known here.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "io/loop.h"
#include "kernel/socket/unix_stream.h"
#include "wire/frame.h"

namespace proa::io {

// Thread: the loop's. Owner: whoever holds the session; destroying it closes the connection.
class FrameLink {
 public:
  using OnFrame = std::move_only_function<void(wire::Frame frame, std::vector<Fd> descriptors)>;
  // The connection is over: the peer closed it, or sent what is no frame (then why). The link may
  // be destroyed from within both callbacks.
  using OnEnd = std::move_only_function<void(Result<void> why)>;

  // A peer that lets more bytes than this pile up is cut off.
  static constexpr std::size_t kMaxQueued = std::size_t{16} << 20;

  static Result<std::unique_ptr<FrameLink>> open(Loop& loop, Fd socket, OnFrame on_frame,
                                                 OnEnd on_end);
  FrameLink(const FrameLink&) = delete;
  FrameLink& operator=(const FrameLink&) = delete;
  ~FrameLink();

  // Sends now what the socket takes and queues the rest. A link that is over takes and drops all.
  void send(wire::Frame frame, std::vector<Fd> descriptors = {});
  bool idle() const { return queue_.empty(); }

 private:
  struct Outgoing {
    std::string bytes;
    std::size_t sent = 0;
    std::vector<Fd> descriptors;
  };

  FrameLink(Loop& loop, Fd socket, bool is_socket, OnFrame on_frame, OnEnd on_end);
  void on_ready(Readiness readiness);
  Result<std::size_t> send_some(const Outgoing& next);
  Result<socket::Received> receive_some(MutableByteSpan buffer);
  Result<void> receive();
  Result<void> flush();
  void end(Result<void> why);

  Loop& loop_;
  Fd socket_;
  bool is_socket_;
  OnFrame on_frame_;
  OnEnd on_end_;
  wire::FrameReader reader_;
  std::deque<Fd> arrived_;  // descriptors whose frame is not whole yet
  std::deque<Outgoing> queue_;
  std::size_t queued_ = 0;
  // Tells a callback's caller that the callback destroyed the link.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace proa::io
