#include "kernel/socket/internet.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace proa::socket {
namespace {

struct Raw {
  sockaddr_storage storage = {};
  socklen_t size = sizeof(sockaddr_storage);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Raw raw_of(const InternetAddress& from) {
  Raw raw;
  if (from.address.is_v6()) {
    sockaddr_in6 to = {};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(from.port);
    std::memcpy(&to.sin6_addr, from.address.bytes().data(), 16);
    std::memcpy(&raw.storage, &to, sizeof to);
    raw.size = sizeof to;
  } else {
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(from.port);
    std::memcpy(&to.sin_addr, from.address.bytes().data(), 4);
    std::memcpy(&raw.storage, &to, sizeof to);
    raw.size = sizeof to;
  }
  return raw;
}

// Version 4 inside version 6 (::ffff:10.0.0.1) is version 4.
IpAddress plain(std::string_view bytes) {
  constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  if (bytes.size() == 16 && bytes.starts_with(kMapped)) bytes.remove_prefix(12);
  return IpAddress::from_bytes(bytes).value_or(IpAddress());
}

InternetAddress address_of(const Raw& raw) {
  if (raw.storage.ss_family == AF_INET6) {
    sockaddr_in6 from = {};
    std::memcpy(&from, &raw.storage, sizeof from);
    return {plain({reinterpret_cast<const char*>(&from.sin6_addr), 16}), ntohs(from.sin6_port)};
  }
  sockaddr_in from = {};
  std::memcpy(&from, &raw.storage, sizeof from);
  return {plain({reinterpret_cast<const char*>(&from.sin_addr), 4}), ntohs(from.sin_port)};
}

Result<Fd> make(Transport transport, bool v6) {
  const int type = transport == Transport::tcp ? SOCK_STREAM : SOCK_DGRAM;
  Fd fd(::socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return fail_errno("making a socket");
  return fd;
}

std::string mapped(const IpAddress& address) {
  if (address.is_v6()) return std::string(address.bytes());
  return std::string("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) + std::string(address.bytes());
}

bool would_block() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

Result<Fd> bind_internet(Transport transport, const InternetAddress& at, Versions versions) {
  Fd fd = TRY(make(transport, at.address.is_v6()));
  const int on = 1;
  const int off = 0;
  if (at.address.is_v6()) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, versions == Versions::both ? &off : &on,
                 sizeof on);
  }
  // A listener that went a moment ago does not keep its port; one that is there does.
  if (transport == Transport::tcp) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  }
  const Raw raw = raw_of(at);
  if (::bind(fd.get(), raw.get(), raw.size) != 0) {
    return fail_errno("binding ", at.address.text(), " port ", at.port);
  }
  if (transport == Transport::tcp && ::listen(fd.get(), 512) != 0) {
    return fail_errno("listening on ", at.address.text(), " port ", at.port);
  }
  return fd;
}

Result<std::uint16_t> port_of(FdRef socket) {
  Raw raw;
  if (::getsockname(socket.get(), raw.get(), &raw.size) != 0) return fail_errno("asking a socket");
  return address_of(raw).port;
}

Result<Fd> connect_internet(Transport transport, const InternetAddress& to) {
  Fd fd = TRY(make(transport, to.address.is_v6()));
  if (transport == Transport::tcp) {
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  const Raw raw = raw_of(to);
  if (::connect(fd.get(), raw.get(), raw.size) != 0 && errno != EINPROGRESS) {
    return fail_errno("connecting to ", to.address.text(), " port ", to.port);
  }
  return fd;
}

Result<void> connected(FdRef socket) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
    return fail_errno("asking a socket");
  }
  if (error != 0) return fail_with(error, "connecting");
  return {};
}

Result<std::optional<Fd>> accept_internet(FdRef listener) {
  Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.valid()) {
    if (would_block() || errno == ECONNABORTED) return std::optional<Fd>();
    return fail_errno("accepting a connection");
  }
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return std::optional(std::move(fd));
}

Result<InternetAddress> peer_of(FdRef socket) {
  Raw raw;
  if (::getpeername(socket.get(), raw.get(), &raw.size) != 0) return fail_errno("asking a socket");
  return address_of(raw);
}

void end_sending(FdRef socket) { ::shutdown(socket.get(), SHUT_WR); }

Result<void> tell_destination(FdRef socket) {
  const int on = 1;
  int domain = 0;
  socklen_t size = sizeof domain;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size);
  const int failed =
      domain == AF_INET6
          ? ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on)
          : ::setsockopt(socket.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  if (failed != 0) return fail_errno("asking for the destination of datagrams");
  return {};
}

Result<std::optional<Datagram>> receive_datagram(FdRef socket, std::size_t room) {
  Datagram datagram;
  datagram.content.resize(room);
  Raw from;
  alignas(cmsghdr) char control[128] = {};
  iovec part = {datagram.content.data(), room};
  msghdr message = {};
  message.msg_name = from.get();
  message.msg_namelen = from.size;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t count = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC);
  if (count < 0) {
    // What an earlier datagram met with is told here, too; it is nobody's failure now.
    if (would_block() || errno == ECONNREFUSED) return std::optional<Datagram>();
    return fail_errno("receiving a datagram");
  }
  datagram.content.resize(static_cast<std::size_t>(count));
  datagram.from = address_of(from);
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info = {};
      std::memcpy(&info, CMSG_DATA(one), sizeof info);
      datagram.to = plain({reinterpret_cast<const char*>(&info.ipi6_addr), 16});
    } else if (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_PKTINFO) {
      in_pktinfo info = {};
      std::memcpy(&info, CMSG_DATA(one), sizeof info);
      datagram.to = plain({reinterpret_cast<const char*>(&info.ipi_addr), 4});
    }
  }
  return std::optional(std::move(datagram));
}

void send_datagram(FdRef socket, std::string_view content, const InternetAddress& to,
                   const IpAddress* from) {
  int domain = 0;
  socklen_t size = sizeof domain;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size);
  InternetAddress target = to;
  if (domain == AF_INET6 && !to.address.is_v6()) {
    target.address = IpAddress::from_bytes(mapped(to.address)).value_or(IpAddress());
  }
  Raw raw = raw_of(target);
  iovec part = {const_cast<char*>(content.data()), content.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in6_pktinfo))] = {};
  msghdr message = {};
  message.msg_name = raw.get();
  message.msg_namelen = raw.size;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (from != nullptr) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* one = CMSG_FIRSTHDR(&message);
    if (domain == AF_INET6) {
      in6_pktinfo info = {};
      std::memcpy(&info.ipi6_addr, mapped(*from).data(), 16);
      one->cmsg_level = IPPROTO_IPV6;
      one->cmsg_type = IPV6_PKTINFO;
      one->cmsg_len = CMSG_LEN(sizeof info);
      std::memcpy(CMSG_DATA(one), &info, sizeof info);
    } else {
      in_pktinfo info = {};
      std::memcpy(&info.ipi_spec_dst, from->bytes().data(), 4);
      one->cmsg_level = IPPROTO_IP;
      one->cmsg_type = IP_PKTINFO;
      one->cmsg_len = CMSG_LEN(sizeof info);
      std::memcpy(CMSG_DATA(one), &info, sizeof info);
      message.msg_controllen = CMSG_SPACE(sizeof info);
    }
  }
  ::sendmsg(socket.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

Result<std::optional<std::string>> receive_from_peer(FdRef socket, std::size_t room) {
  std::string content(room, '\0');
  const ssize_t count = ::recv(socket.get(), content.data(), room, 0);
  if (count < 0) {
    if (would_block()) return std::optional<std::string>();
    return fail_errno("receiving");
  }
  content.resize(static_cast<std::size_t>(count));
  return std::optional(std::move(content));
}

void send_to_peer(FdRef socket, std::string_view content) {
  ::send(socket.get(), content.data(), content.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace proa::socket
