// Many byte streams over one link that carries no descriptors, each with a credit of its own: a
// stream that nobody reads holds up no other. The same code serves both ends; the numbers are
// chosen by who opens streams, and the peer's words are checked against what was opened.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "io/loop.h"
#include "wire/messages.h"

namespace proa::io {

// Thread: the loop's. Owner: the link's; destroying it closes every stream.
class StreamMux {
 public:
  using Send = std::move_only_function<void(wire::MessageType type, std::string body)>;

  StreamMux(Loop& loop, Send send) : loop_(loop), send_(std::move(send)) {}
  StreamMux(const StreamMux&) = delete;
  StreamMux& operator=(const StreamMux&) = delete;
  ~StreamMux();

  // From now on what `fd` gives goes to the peer, up to its end or until the peer stops reading.
  Result<void> send_from(std::uint32_t stream, Fd fd);
  // Whether something is still to come from what was given to send_from().
  bool is_sending(std::uint32_t stream) const { return sources_.contains(stream); }
  // Takes what the peer sends; until connect() it waits here. `stream` 0 is no stream.
  void expect(std::uint32_t stream);
  // Writes what came, and what will come, to `fd`, which is closed after the last of it.
  Result<void> connect(std::uint32_t stream, Fd fd);
  // Nobody will take what the peer sends.
  void refuse(std::uint32_t stream);

  // Errors: corrupt (data beyond the credit); data of streams that are over is no error
  Result<void> on_data(wire::StreamData data);
  void on_credit(const wire::StreamCredit& credit);

 private:
  struct Source {
    Fd fd;
    std::uint64_t credit = wire::kStreamWindow;
    bool watched = false;
  };
  struct Sink {
    Fd fd;  // invalid until it is connected
    std::string pending;
    bool ended = false;
    bool watched = false;
  };

  void watch_source(std::uint32_t stream, Source& source);
  void on_source(std::uint32_t stream);
  void end_source(std::uint32_t stream);
  void flush_sink(std::uint32_t stream);
  void drop_sink(std::uint32_t stream);

  Loop& loop_;
  Send send_;
  std::map<std::uint32_t, Source> sources_;
  std::map<std::uint32_t, Sink> sinks_;
};

}  // namespace proa::io
