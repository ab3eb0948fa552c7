#include "apps/vmm/server.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "kernel/file/file.h"
#include "kernel/socket/unix_stream.h"
#include "vmm/machine/named_files.h"
#include "wire/codec.h"

namespace proa::apps::vmm {
namespace {

enum Token : std::uint64_t { kListener, kConnection, kMachine, kSerial, kRoom };

constexpr std::size_t kBuffer = 4096;

}  // namespace

using proa::vmm::StopReason;

Result<std::unique_ptr<Server>> Server::create(proa::vmm::control::Monitor& monitor,
                                               const event::EventFd& lacks_room) {
  event::Epoll epoll = TRY(event::Epoll::create());
  TRY(epoll.add(lacks_room.fd(), {.readable = true}, kRoom));
  return std::unique_ptr<Server>(new Server(monitor, lacks_room, std::move(epoll)));
}

Result<void> Server::listen(const std::string& path) {
  const std::optional<int> inherited = TRY(proa::vmm::NamedFiles::descriptor(path));
  if (inherited.has_value()) {
    proa::vmm::NamedFiles files;
    Fd connection = TRY(files.connect(path));
    TRY(socket::set_blocking(connection, socket::Blocking::no));
    return serve(std::move(connection));
  }
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string socket_name = slash == std::string::npos ? path : path.substr(slash + 1);
  const Fd directory = TRY(file::open(folder, O_PATH | O_DIRECTORY));
  constexpr unsigned kOwnerOnly = 0600;
  listener_ = TRY(socket::listen_at(directory, socket_name, kOwnerOnly));
  return epoll_.add(listener_, {.readable = true}, kListener);
}

Result<void> Server::watch_machine() {
  if (watching_machine_ || monitor_.machine() == nullptr) return {};
  watching_machine_ = true;
  TRY(epoll_.add(monitor_.machine()->ended(), {.readable = true}, kMachine));
  // A file or /dev/null as standard input cannot be waited for, and has nothing to say.
  discard(epoll_.add(FdRef(STDIN_FILENO), {.readable = true}, kSerial),
          "a guest without serial input is a guest too");
  return {};
}

Result<void> Server::accept() {
  Fd connection = TRY(socket::accept(listener_));
  if (!connection.valid()) return {};
  TRY(epoll_.remove(listener_));
  return serve(std::move(connection));
}

Result<void> Server::serve(Fd connection) {
  connection_ = std::move(connection);
  return epoll_.add(connection_, {.readable = true}, kConnection);
}

void Server::drop_connection() {
  discard(epoll_.remove(connection_), "closing removes it too");
  connection_.reset();
  reader_ = {};
  descriptors_.clear();
  if (!listener_.valid()) return;
  discard(epoll_.add(listener_, {.readable = true}, kListener),
          "without memory for one more event nobody can be served anyway");
}

Result<void> Server::send(const wire::Frame& frame) {
  const std::string bytes = wire::print(frame);
  TRY(socket::set_blocking(connection_, socket::Blocking::yes));
  std::string_view left = bytes;
  while (!left.empty()) {
    left.remove_prefix(TRY(socket::send(connection_, left, {})));
  }
  return socket::set_blocking(connection_, socket::Blocking::no);
}

void Server::tell(proa::vmm::control::Message message, std::string body) {
  if (!connection_.valid()) return;
  discard(send({.type = type(message), .descriptors = 0, .call = 0, .body = std::move(body)}),
          "a controller that has gone needs to be told nothing");
}

Result<void> Server::serve_connection() {
  std::array<std::byte, kBuffer> buffer;
  socket::Received received = TRY(socket::receive(connection_, buffer));
  for (Fd& descriptor : received.descriptors) descriptors_.push_back(std::move(descriptor));
  if (descriptors_.size() > wire::kMaxDescriptors) {
    return fail(ErrorKind::corrupt, "more descriptors than a frame can carry");
  }
  reader_.feed(text_of(ByteSpan(buffer).first(received.bytes)));
  while (auto frame = TRY(reader_.next())) {
    const std::vector<Fd> own = std::exchange(descriptors_, {});
    TRY(send(monitor_.answer(*frame, own)));
  }
  if (received.end) return fail(ErrorKind::unavailable, "the controller has gone");
  return {};
}

Result<void> Server::serve_serial() {
  std::array<char, 64> buffer;
  const std::size_t room = std::min(buffer.size(), monitor_.machine()->serial().room());
  // A guest that does not read keeps its input waiting; its next read makes room unseen by us, so
  // what comes then is looked at with the next event.
  if (room == 0) return {};
  const ssize_t count = ::read(STDIN_FILENO, buffer.data(), room);
  if (count <= 0) return epoll_.remove(FdRef(STDIN_FILENO));
  monitor_.machine()->serial().receive({buffer.data(), static_cast<std::size_t>(count)});
  return {};
}

Result<StopReason> Server::run() {
  for (;;) {
    TRY(watch_machine());
    for (const event::Event& event : TRY(epoll_.wait(std::nullopt))) {
      switch (static_cast<Token>(event.token)) {
        case kListener:
          TRY(accept());
          break;
        case kConnection:
          // Whatever is wrong with a connection ends that connection, not the guest.
          if (!serve_connection().ok()) drop_connection();
          break;
        case kSerial:
          TRY(serve_serial());
          break;
        case kRoom:
          lacks_room_.take();
          tell(proa::vmm::control::Message::lacks_room, {});
          break;
        case kMachine: {
          const StopReason reason = *monitor_.machine()->end();
          tell(proa::vmm::control::Message::ended,
               wire::encode(proa::vmm::control::Ended{.kind = reason.kind, .text = reason.text}));
          return reason;
        }
      }
    }
  }
}

}  // namespace proa::apps::vmm
