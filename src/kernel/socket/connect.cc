#include "kernel/socket/connect.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "kernel/file/file.h"

namespace proa::socket {
namespace {

Result<Fd> connect_to(Fd socket, const sockaddr* address, socklen_t size) {
  if (!socket.valid()) return fail_errno("making a socket");
  while (::connect(socket.get(), address, size) != 0) {
    if (errno != EINTR) return fail_errno("connecting");
  }
  return socket;
}

}  // namespace

Result<Fd> connect_path(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::string reachable = path;
  Fd directory;
  if (path.size() >= sizeof address.sun_path) {
    const std::size_t slash = path.rfind('/');
    directory = TRY(file::open(path.substr(0, slash + 1), O_PATH | O_DIRECTORY));
    reachable = cat("/proc/self/fd/", directory.get(), path.substr(slash));
    if (reachable.size() >= sizeof address.sun_path) {
      return fail(ErrorKind::invalid_argument, "the socket's name is too long");
    }
  }
  std::memcpy(address.sun_path, reachable.c_str(), reachable.size() + 1);
  return connect_to(Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
                    reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

Result<Fd> connect_tcp(const std::string& address, std::uint16_t port) {
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  const bool is_v4 = ::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1;
  if (!is_v4 && ::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) != 1) {
    return fail(ErrorKind::invalid_argument, "'", printable(address),
                "' is not a numeric IPv4 or IPv6 address");
  }
  Fd socket(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (is_v4) {
    return connect_to(std::move(socket), reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  }
  return connect_to(std::move(socket), reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

Result<void> send_all(FdRef socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("sending");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace proa::socket
