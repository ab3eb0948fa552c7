#include "kernel/socket/packet.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace proa::socket {
namespace {

struct alignas(cmsghdr) Control {
  char bytes[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
};

std::vector<Fd> take_descriptors(msghdr& message) {
  std::vector<Fd> descriptors;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t index = 0; index < count; ++index) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(header) + index * sizeof number, sizeof number);
      descriptors.emplace_back(number);
    }
  }
  return descriptors;
}

}  // namespace

Result<std::pair<Fd, Fd>> packet_pair() {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail_errno("making a socket pair");
  }
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

Result<void> send_packet(FdRef end, std::string_view text, const std::vector<FdRef>& descriptors) {
  if (text.empty() || text.size() > kMaxPacket || descriptors.size() > kMaxDescriptors) {
    return fail(ErrorKind::exhausted, "sending a message: ", text.size(), " bytes and ",
                descriptors.size(), " descriptors are outside its limits");
  }
  iovec part = {const_cast<char*>(text.data()), text.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  Control control = {};
  if (!descriptors.empty()) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    for (std::size_t index = 0; index < descriptors.size(); ++index) {
      const int number = descriptors[index].get();
      std::memcpy(CMSG_DATA(header) + index * sizeof number, &number, sizeof number);
    }
  }
  while (::sendmsg(end.get(), &message, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    if (errno == EPIPE || errno == ECONNRESET) {
      return Error(ErrorKind::unavailable, errno, "sending a message: the other end is gone");
    }
    return fail_errno("sending a message");
  }
  return {};
}

Result<std::optional<Packet>> receive_packet(FdRef end) {
  Packet packet;
  packet.text.resize(kMaxPacket);
  iovec part = {packet.text.data(), packet.text.size()};
  Control control;
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t count = 0;
  do {
    count = ::recvmsg(end.get(), &message, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno == ECONNRESET) return std::optional<Packet>();
  if (count < 0) return fail_errno("receiving a message");
  packet.descriptors = take_descriptors(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return fail(ErrorKind::corrupt, "receiving a message: it is larger than its limits");
  }
  if (count == 0) return std::optional<Packet>();
  packet.text.resize(static_cast<std::size_t>(count));
  return std::optional<Packet>(std::move(packet));
}

}  // namespace proa::socket
