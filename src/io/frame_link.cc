#include "io/frame_link.h"

#include <array>

#include <sys/stat.h>

#include "kernel/file/file.h"
#include "kernel/file/stream.h"

namespace proa::io {

FrameLink::FrameLink(Loop& loop, Fd socket, bool is_socket, OnFrame on_frame, OnEnd on_end)
    : loop_(loop),
      socket_(std::move(socket)),
      is_socket_(is_socket),
      on_frame_(std::move(on_frame)),
      on_end_(std::move(on_end)) {}

FrameLink::~FrameLink() {
  *alive_ = false;
  if (socket_.valid()) loop_.forget(socket_);
}

Result<std::unique_ptr<FrameLink>> FrameLink::open(Loop& loop, Fd socket, OnFrame on_frame,
                                                   OnEnd on_end) {
  TRY(socket::set_blocking(socket, socket::Blocking::no));
  const struct stat status = TRY(file::stat(socket));
  std::unique_ptr<FrameLink> link(new FrameLink(loop, std::move(socket), S_ISSOCK(status.st_mode),
                                                std::move(on_frame), std::move(on_end)));
  TRY(loop.watch(link->socket_, {.readable = true},
                 [raw = link.get()](Readiness readiness) { raw->on_ready(readiness); }));
  return link;
}

void FrameLink::send(wire::Frame frame, std::vector<Fd> descriptors) {
  if (!socket_.valid()) return;
  frame.descriptors = static_cast<std::uint16_t>(descriptors.size());
  queue_.push_back({wire::print(frame), 0, std::move(descriptors)});
  queued_ += queue_.back().bytes.size();
  // A failure shows again, and ends the link, when the loop next looks at the socket: callers of
  // send are spared a link that vanishes under them.
  discard(flush(), "the loop reports the hang-up");
}

Result<std::size_t> FrameLink::send_some(const Outgoing& next) {
  const std::string_view rest = std::string_view(next.bytes).substr(next.sent);
  if (!is_socket_) return file::write_some(socket_, rest);
  std::vector<int> numbers;
  for (const Fd& fd : next.descriptors) numbers.push_back(fd.get());
  return socket::send(socket_, rest, numbers);
}

Result<void> FrameLink::flush() {
  while (!queue_.empty()) {
    Outgoing& next = queue_.front();
    const std::size_t count = TRY(send_some(next));
    if (count == 0) break;
    next.descriptors.clear();
    next.sent += count;
    queued_ -= count;
    if (next.sent == next.bytes.size()) queue_.pop_front();
  }
  if (queued_ > kMaxQueued) return fail(ErrorKind::exhausted, "the peer does not read");
  return loop_.change(socket_, {.readable = true, .writable = !queue_.empty()});
}

void FrameLink::on_ready(Readiness readiness) {
  const std::shared_ptr<bool> alive = alive_;
  if (readiness.writable) {
    Result<void> flushed = flush();
    if (!flushed.ok()) return end(std::move(flushed));
  }
  if (!readiness.readable && !readiness.closed) return;
  Result<void> received = receive();
  if (*alive && !received.ok()) end(std::move(received));
}

Result<socket::Received> FrameLink::receive_some(MutableByteSpan buffer) {
  if (is_socket_) return socket::receive(socket_, buffer);
  const std::optional<std::size_t> count = TRY(file::read_available(socket_, buffer));
  return socket::Received{count.value_or(0), count.has_value() && *count == 0, {}};
}

Result<void> FrameLink::receive() {
  const std::shared_ptr<bool> alive = alive_;
  std::array<std::byte, 16384> buffer;
  socket::Received received = TRY(receive_some(buffer));
  for (Fd& fd : received.descriptors) arrived_.push_back(std::move(fd));
  reader_.feed(text_of(ByteSpan(buffer).first(received.bytes)));
  while (std::optional<wire::Frame> frame = TRY(reader_.next())) {
    if (frame->descriptors > arrived_.size()) {
      return fail(ErrorKind::corrupt, "a frame came without its descriptors");
    }
    std::vector<Fd> descriptors;
    for (int count = frame->descriptors; count > 0; --count) {
      descriptors.push_back(std::move(arrived_.front()));
      arrived_.pop_front();
    }
    on_frame_(std::move(*frame), std::move(descriptors));
    if (!*alive || !socket_.valid()) return {};
  }
  if (received.end) end({});
  return {};
}

void FrameLink::end(Result<void> why) {
  if (!socket_.valid()) return;
  loop_.forget(socket_);
  socket_.reset();
  queue_.clear();
  queued_ = 0;
  OnEnd on_end = std::move(on_end_);
  on_end(std::move(why));
}

}  // namespace proa::io
