#include "client/stream/session.h"

#include <signal.h>

#include <array>

#include "client/stream/frame_splitter.h"
#include "kernel/event/poll.h"
#include "kernel/event/signal_fd.h"
#include "kernel/file/file.h"
#include "kernel/socket/unix_stream.h"

namespace proa::client {
namespace {

constexpr std::size_t kBuffer = 32 * 1024;
constexpr int kResizeTries = 20;
constexpr std::chrono::milliseconds kResizePause(20);

// Thread: one.
class Session {
 public:
  explicit Session(SessionOptions options) : options_(std::move(options)) {}

  Result<SessionEnd> run();

 private:
  Result<void> pass_output(std::string_view bytes);
  Result<void> read_socket();
  Result<void> read_input();
  Result<void> write_socket();
  void take_signals();
  void try_resize();

  SessionOptions options_;
  FrameSplitter frames_;
  std::string pending_;  // typed, not yet sent
  std::string buffer_ = std::string(kBuffer, '\0');
  int tries_left_ = kResizeTries;  // to tell the window's size
  bool input_ended_ = false;
  bool half_closed_ = false;
  bool detached_ = false;
  bool ended_ = false;  // an end frame has come
  bool finished_ = false;
};

Result<void> Session::pass_output(std::string_view bytes) {
  if (options_.raw) return file::write_all(options_.output, bytes_of(bytes));
  const auto show = [&](Stream stream, std::string_view content) -> Result<void> {
    if (stream == Stream::end) {
      if (options_.end_report != nullptr) options_.end_report->append(content);
      ended_ = true;
      return {};
    }
    // The system stream brings the engine's own complaints.
    const bool to_output = stream == Stream::output || stream == Stream::input;
    return file::write_all(to_output ? options_.output : options_.error, bytes_of(content));
  };
  TRY(frames_.feed(bytes, show));
  // Nothing follows the end frame: the connection may close later.
  finished_ = finished_ || (ended_ && frames_.between_frames());
  return {};
}

Result<void> Session::read_socket() {
  const auto space = std::as_writable_bytes(std::span(buffer_.data(), buffer_.size()));
  const socket::Received received = TRY(socket::receive(options_.socket, space));
  finished_ = received.end || finished_;
  if (received.bytes == 0) return {};
  return pass_output(std::string_view(buffer_).substr(0, received.bytes));
}

Result<void> Session::read_input() {
  const auto count = file::read_some(
      *options_.input, std::as_writable_bytes(std::span(buffer_.data(), buffer_.size())));
  // A terminal that has gone away reads as an error: that is its end.
  if (!count.ok() || count.value() == 0) {
    input_ended_ = true;
    return {};
  }
  const std::string_view typed = std::string_view(buffer_).substr(0, count.value());
  if (options_.detach_keys) {
    const DetachKeys::Passed passed = options_.detach_keys->feed(typed);
    pending_.append(passed.bytes);
    detached_ = passed.detached;
  } else {
    pending_.append(typed);
  }
  return {};
}

Result<void> Session::write_socket() {
  if (!pending_.empty()) {
    const auto sent = socket::send(options_.socket, pending_, {});
    if (!sent.ok()) {
      // The workload reads no more; what it writes still comes.
      pending_.clear();
      input_ended_ = half_closed_ = true;
      return {};
    }
    pending_.erase(0, sent.value());
  }
  if (pending_.empty() && input_ended_ && !half_closed_) {
    socket::shut_down_sending(options_.socket);
    half_closed_ = true;
  }
  return {};
}

void Session::take_signals() {
  while (const auto number = options_.signals->next()) {
    if (*number == SIGWINCH) {
      tries_left_ = kResizeTries;
    } else if (*number != SIGCHLD && options_.on_signal) {
      options_.on_signal(*number);
    }
  }
}

void Session::try_resize() {
  if (tries_left_ == 0) return;
  --tries_left_;
  if (!options_.on_resize || options_.on_resize()) tries_left_ = 0;
}

Result<SessionEnd> Session::run() {
  if (!options_.already_read.empty()) TRY(pass_output(options_.already_read));
  if (!options_.input) input_ended_ = half_closed_ = true;
  while (!finished_ && !detached_) {
    try_resize();
    const bool wants_input = !input_ended_ && pending_.empty();
    std::array<event::Waiting, 3> waits{
        {{options_.socket.get(),
          {.readable = true, .writable = !pending_.empty() || (input_ended_ && !half_closed_)}},
         {wants_input ? options_.input->get() : -1, {.readable = true}},
         {options_.signals != nullptr ? options_.signals->fd().get() : -1, {.readable = true}}}};
    TRY(event::wait_for_any(waits, tries_left_ > 0 ? std::optional(kResizePause) : std::nullopt));
    if (waits[2].ready.readable) take_signals();
    if (waits[0].ready.readable || waits[0].ready.closed) TRY(read_socket());
    if (waits[0].ready.writable) TRY(write_socket());
    if (waits[1].ready.readable || waits[1].ready.closed) TRY(read_input());
  }
  return detached_ ? SessionEnd::detached : SessionEnd::finished;
}

}  // namespace

Result<SessionEnd> run_session(SessionOptions options) { return Session(std::move(options)).run(); }

}  // namespace proa::client
