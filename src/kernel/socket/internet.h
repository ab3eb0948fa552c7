// UDP and TCP sockets by address: listening, datagrams with the address they were sent to, and
// connections. Everything here is non-blocking.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/ip.h"
#include "base/result.h"

namespace proa::socket {

struct InternetAddress {
  IpAddress address;
  std::uint16_t port = 0;
  auto operator<=>(const InternetAddress&) const = default;
};

enum class Transport : std::uint8_t { udp, tcp };

// Binds a socket; port 0 is any free one. `::` takes version 4 too unless `only_v6`; a TCP one
// listens.
//
// Errors: busy (EADDRINUSE), permission (a port below 1024 without the right)
enum class Versions : std::uint8_t { only_its_own, both };
Result<Fd> bind_internet(Transport transport, const InternetAddress& at,
                         Versions versions = Versions::only_its_own);
Result<std::uint16_t> port_of(FdRef socket);

// Starts a connection (TCP: writable once it stands, and then connected() tells) or fixes a
// datagram socket's other end.
Result<Fd> connect_internet(Transport transport, const InternetAddress& to);
Result<void> connected(FdRef socket);
// Nothing where nobody waits.
Result<std::optional<Fd>> accept_internet(FdRef listener);
// The other end of a connection.
Result<InternetAddress> peer_of(FdRef socket);
// Sends its end of the stream: the other reads what is left, then the end.
void end_sending(FdRef socket);

struct Datagram {
  std::string content;
  InternetAddress from;
  IpAddress to;  // of ours, that it was sent to; where the socket was asked to tell
};
// Has datagrams tell which of our addresses they were sent to.
Result<void> tell_destination(FdRef socket);
// Nothing where none waits. `room`: longer ones are cut.
Result<std::optional<Datagram>> receive_datagram(FdRef socket, std::size_t room);
// From the address `from` of ours where it is given. Datagrams that cannot be sent are dropped, as
// on any network.
void send_datagram(FdRef socket, std::string_view content, const InternetAddress& to,
                   const IpAddress* from);
// On a socket whose other end is fixed; nothing where none waits.
Result<std::optional<std::string>> receive_from_peer(FdRef socket, std::size_t room);
void send_to_peer(FdRef socket, std::string_view content);

}  // namespace proa::socket
