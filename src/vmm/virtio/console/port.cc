#include "vmm/virtio/console/port.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace proa::vmm::virtio::console {
namespace {

// Chains served before other events of the worker get their turn.
constexpr int kBatch = 64;
// Bytes that one system call moves at most.
constexpr std::uint64_t kMaxMove = 256 * kKiB;

bool would_block() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

Result<void> Port::activate(const Activation& activation, std::uint16_t first_queue,
                            std::function<void()> on_host_close) {
  activation_ = activation;
  first_queue_ = first_queue;
  on_host_close_ = std::move(on_host_close);
  interest_ = {};
  if (host_open_) {
    watch_ = TRY(activation.worker->watch(
        stream_, interest_, [this](event::Readiness readiness) { on_stream(readiness); }));
    watching_ = true;
  }
  // Serves nothing yet: a restore gives the queues their places only now.
  return update_interest();
}

void Port::reset() {
  watch_.reset();
  watching_ = false;
  guest_open_ = false;
  starved_ = false;
  blocked_ = false;
  sent_ = 0;
  activation_ = {};
}

Result<void> Port::set_guest_open(bool open) {
  guest_open_ = open;
  return open ? to_guest() : update_interest();
}

Result<void> Port::update_interest() {
  const event::Readiness wanted = {.readable = guest_open_ && host_open_ && !starved_,
                                   .writable = blocked_};
  if (!watching_ ||
      (wanted.readable == interest_.readable && wanted.writable == interest_.writable)) {
    return {};
  }
  interest_ = wanted;
  return watch_.set_interest(wanted);
}

void Port::on_stream(event::Readiness readiness) {
  if (readiness.closed) {
    // The end of a socket is told again and again: from here on the guest's kicks alone move
    // what is still in it.
    watch_.reset();
    watching_ = false;
    blocked_ = false;
  }
  Result<void> result;
  if (readiness.writable || readiness.closed) {
    blocked_ = false;
    result = from_guest();
  }
  if (result.ok() && (readiness.readable || readiness.closed)) result = to_guest();
  if (!result.ok()) activation_.host->fail(result.error());
}

Result<std::uint32_t> Port::receive() {
  buffers_.clear();
  Cursor cursor = Cursor::writable(chain_);
  TRY(cursor.gather(*activation_.memory, std::min(cursor.remaining(), kMaxMove), buffers_));
  msghdr message = {};
  message.msg_iov = buffers_.data();
  message.msg_iovlen = buffers_.size();
  const ssize_t count = ::recvmsg(stream_.get(), &message, MSG_DONTWAIT);
  if (count > 0) return static_cast<std::uint32_t>(count);
  // Whatever ends the stream ends it for the guest too.
  if (count == 0 || !would_block()) host_open_ = false;
  return std::uint32_t{0};
}

Result<void> Port::to_guest() {
  if (!guest_open_ || !host_open_ || !activation_.queues[first_queue_].has_value()) {
    return update_interest();
  }
  Queue& queue = *activation_.queues[first_queue_];
  TRY(queue.disable_kicks());
  starved_ = false;
  for (int i = 0; i < kBatch; ++i) {
    bool popped = TRY(queue.pop(chain_));
    if (!popped && TRY(queue.enable_kicks())) popped = TRY(queue.pop(chain_));
    if (!popped) {
      starved_ = true;
      break;
    }
    if (chain_.writable_length == 0) {
      return fail(ErrorKind::guest_fault, "a receive buffer without room");
    }
    const std::uint32_t count = TRY(receive());
    if (count == 0) {
      queue.unpop();
      break;
    }
    TRY(queue.push(chain_.head, count));
  }
  if (TRY(queue.flush())) activation_.host->interrupt(first_queue_);
  if (!host_open_) on_host_close_();
  return update_interest();
}

Result<Port::Moved> Port::send() {
  while (sent_ < chain_.readable_length) {
    buffers_.clear();
    Cursor cursor = Cursor::readable(chain_);
    TRY(cursor.skip(sent_));
    TRY(cursor.gather(*activation_.memory, std::min(cursor.remaining(), kMaxMove), buffers_));
    msghdr message = {};
    message.msg_iov = buffers_.data();
    message.msg_iovlen = buffers_.size();
    const ssize_t count = ::sendmsg(stream_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN) return Moved::blocked;
    if (count < 0 && errno == EINTR) continue;
    // Nobody listens any more: the guest's bytes go where a hung-up line's go.
    if (count < 0) break;
    sent_ += static_cast<std::uint64_t>(count);
  }
  sent_ = 0;
  return Moved::all;
}

Result<void> Port::from_guest() {
  const auto index = static_cast<std::uint16_t>(first_queue_ + 1);
  if (blocked_ || !activation_.queues[index].has_value()) return {};
  Queue& queue = *activation_.queues[index];
  do {
    TRY(queue.disable_kicks());
    while (!blocked_ && TRY(queue.pop(chain_))) {
      if (TRY(send()) == Moved::blocked) {
        blocked_ = true;
        queue.unpop();
      } else {
        TRY(queue.push(chain_.head, 0));
      }
    }
    if (TRY(queue.flush())) activation_.host->interrupt(index);
  } while (!blocked_ && TRY(queue.enable_kicks()));
  return update_interest();
}

void Port::save(StateWriter& writer) const {
  writer.text(name_);
  writer.boolean(guest_open_);
  writer.boolean(host_open_);
  writer.number(sent_);
}

Result<bool> Port::restore(StateReader& reader) {
  const std::string_view name = TRY(reader.bytes(kPageSize));
  if (name != name_) return reader.fault("the port '", printable(name), "' has another name now");
  guest_open_ = TRY(reader.boolean());
  const bool host_was_open = TRY(reader.boolean());
  sent_ = TRY(reader.number<std::uint64_t>());
  return host_was_open;
}

}  // namespace proa::vmm::virtio::console
