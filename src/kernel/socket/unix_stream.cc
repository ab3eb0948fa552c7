#include "kernel/socket/unix_stream.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "kernel/file/file.h"

namespace proa::socket {
namespace {

constexpr std::size_t kMaxRiding = 8;

struct Address {
  sockaddr_un raw;
  socklen_t size;
};

// Names a socket by its directory's descriptor: addresses are too short for most paths.
Result<Address> address_of(FdRef directory, const std::string& name) {
  const std::string path = cat("/proc/self/fd/", directory.get(), "/", name);
  Address address = {};
  if (path.size() >= sizeof address.raw.sun_path) {
    return fail(ErrorKind::invalid_argument, "socket name '", name, "' is too long");
  }
  address.raw.sun_family = AF_UNIX;
  std::memcpy(address.raw.sun_path, path.c_str(), path.size() + 1);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

const sockaddr* generic(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address.raw);
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Result<Pair> stream_pair(Blocking blocking) {
  std::array<int, 2> ends;
  const int flags = SOCK_STREAM | SOCK_CLOEXEC | (blocking == Blocking::no ? SOCK_NONBLOCK : 0);
  if (::socketpair(AF_UNIX, flags, 0, ends.data()) != 0) return fail_errno("making a socket pair");
  return Pair{Fd(ends[0]), Fd(ends[1])};
}

Result<Fd> listen_at(FdRef directory, const std::string& name, unsigned mode) {
  const Address address = TRY(address_of(directory, name));
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.valid()) return fail_errno("making a socket");
  ::unlinkat(directory.get(), name.c_str(), 0);
  if (::bind(listener.get(), generic(address), address.size) != 0) {
    return fail_errno("binding socket '", name, "'");
  }
  if (::fchmodat(directory.get(), name.c_str(), mode, 0) != 0) {
    return fail_errno("setting the mode of socket '", name, "'");
  }
  if (::listen(listener.get(), SOMAXCONN) != 0) return fail_errno("listening on '", name, "'");
  return listener;
}

Result<Fd> connect_at(FdRef directory, const std::string& name) {
  const Address address = TRY(address_of(directory, name));
  Fd connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!connection.valid()) return fail_errno("making a socket");
  if (::connect(connection.get(), generic(address), address.size) != 0) {
    return fail_errno("connecting to '", name, "'");
  }
  TRY(set_blocking(connection, Blocking::no));
  return connection;
}

Result<Fd> accept(FdRef listener) {
  const int number = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (number < 0 && !would_block() && errno != ECONNABORTED) {
    return fail_errno("accepting a connection");
  }
  return Fd(number < 0 ? -1 : number);
}

Result<void> set_blocking(FdRef fd, Blocking blocking) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0) return fail_errno("reading a descriptor's flags");
  const int wanted = blocking == Blocking::no ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  if (wanted != flags && ::fcntl(fd.get(), F_SETFL, wanted) != 0) {
    return fail_errno("setting a descriptor's flags");
  }
  return {};
}

void shut_down_sending(FdRef fd) { ::shutdown(fd.get(), SHUT_WR); }

Result<std::size_t> send(FdRef socket, std::string_view bytes, std::span<const int> descriptors) {
  iovec piece = {const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxRiding * sizeof(int))> control = {};
  if (!descriptors.empty()) {
    CHECK(descriptors.size() <= kMaxRiding);
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());
  }
  const ssize_t count = ::sendmsg(socket.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0 && would_block()) return std::size_t{0};
  if (count < 0) return fail_errno("sending");
  return static_cast<std::size_t>(count);
}

Result<Received> receive(FdRef socket, MutableByteSpan buffer) {
  iovec piece = {buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxRiding * sizeof(int))> control = {};
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (count < 0 && would_block()) return Received{};
  if (count < 0 && errno == ECONNRESET) return Received{0, true, {}};
  if (count < 0) return fail_errno("receiving");
  Received received{static_cast<std::size_t>(count), count == 0, {}};
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr;
       head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t size = head->cmsg_len - CMSG_LEN(0);
    for (std::size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(head) + at, sizeof number);
      received.descriptors.emplace_back(number);
    }
  }
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    return fail(ErrorKind::corrupt, "more descriptors arrived than there is room for");
  }
  return received;
}

}  // namespace proa::socket
