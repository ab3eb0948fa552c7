// Pairs of connected packet sockets (AF_UNIX, SOCK_SEQPACKET): whole messages between a program
// and its children, which descriptors may ride on.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace proa::socket {

inline constexpr std::size_t kMaxPacket = 65536;    // bytes of one message
inline constexpr std::size_t kMaxDescriptors = 16;  // on one message

struct Packet {
  std::string text;
  std::vector<Fd> descriptors;
};

// Two connected ends; what is sent on one arrives at the other.
Result<std::pair<Fd, Fd>> packet_pair();

// Sends one message, waiting for room; never raises SIGPIPE.
//
// Shape:  `text` non-empty, at most kMaxPacket bytes
// Errors: unavailable (the other end is gone)
Result<void> send_packet(FdRef end, std::string_view text, const std::vector<FdRef>& descriptors);

// Waits for one message; nothing where the other end is gone. A message that was cut, or brought
// more than kMaxDescriptors, is refused as corrupt and its descriptors are closed.
Result<std::optional<Packet>> receive_packet(FdRef end);

}  // namespace proa::socket
