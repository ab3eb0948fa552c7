#include "kernel/netlink/netlink_socket.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "base/number.h"
#include "kernel/file/file.h"
#include "kernel/namespace/namespace.h"
#include "kernel/netlink/attributes.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

namespace proa::netlink {
namespace {

constexpr std::size_t kReceive = 64 << 10;

// What the kernel says in words, where it does.
std::string words_of(std::string_view message, const nlmsghdr& header) {
  if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  const auto refusal = front_of<nlmsgerr>(message);
  if (!refusal) return {};
  std::size_t skip = sizeof(nlmsgerr);
  if ((header.nlmsg_flags & NLM_F_CAPPED) == 0) {
    skip += align_up<std::size_t>(refusal->msg.nlmsg_len, 4) - sizeof(nlmsghdr);
  }
  const auto text = find_attribute(behind(message, skip), NLMSGERR_ATTR_MSG);
  return text ? cat(" (", printable(trim(text->substr(0, text->find('\0')))), ")") : std::string();
}

}  // namespace

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!fd.valid()) return fail_errno("opening a netlink socket");
  const int on = 1;
  // Without these the answers are longer or say less; both are only comfort.
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  const int room = 4 << 20;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  return NetlinkSocket(std::move(fd));
}

Result<NetlinkSocket> NetlinkSocket::open_in(FdRef network_namespace, int protocol) {
  const Fd own = TRY(ns::open("/proc/thread-self/ns/net", CLONE_NEWNET));
  TRY(ns::join(network_namespace, CLONE_NEWNET));
  Result<NetlinkSocket> opened = open(protocol);
  TRY(ns::join(own, CLONE_NEWNET), "going back to our own network namespace");
  return opened;
}

Result<std::string> NetlinkSocket::receive() {
  std::string buffer(kReceive, '\0');
  while (true) {
    const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("reading a netlink answer");
    if (static_cast<std::size_t>(count) > buffer.size()) {
      return fail(ErrorKind::corrupt, "a netlink answer of ", count, " bytes is too long");
    }
    buffer.resize(static_cast<std::size_t>(count));
    return buffer;
  }
}

Result<void> NetlinkSocket::send(std::vector<Request> requests) {
  const std::uint32_t first = sequence_ + 1;
  std::string batch;
  std::size_t open = 0;
  for (Request& request : requests) {
    batch += request.message.finish(++sequence_, request.acknowledged);
    open += request.acknowledged ? 1 : 0;
  }
  if (::send(fd_.get(), batch.data(), batch.size(), 0) < 0) {
    return fail_errno("sending to the kernel by netlink");
  }
  std::optional<Error> failure;
  while (open > 0) {
    const std::string datagram = TRY(receive());
    TRY(for_each_message(datagram, [&](const nlmsghdr& header, std::string_view body) -> Result<> {
      const std::uint32_t index = header.nlmsg_seq - first;
      if (header.nlmsg_type != NLMSG_ERROR || index >= requests.size()) return {};
      const Request& request = requests[index];
      const auto outcome = front_of<nlmsgerr>(body);
      if (!outcome) return fail(ErrorKind::corrupt, "a netlink answer is cut short");
      if (open > 0 && request.acknowledged) --open;
      const int code = -outcome->error;
      if (code != 0 && code != request.accepted_error && !failure) {
        failure = fail_with(code, request.what, words_of(body, header));
      }
      // A batch that its first mark refuses is never acknowledged one by one.
      if (code != 0 && !request.acknowledged) open = 0;
      return {};
    }));
  }
  if (failure) return std::move(*failure);
  return {};
}

Result<void> NetlinkSocket::query(Request request,
                                  const std::function<void(std::string_view)>& each) {
  const std::string& message = request.message.finish(++sequence_, true);
  if (::send(fd_.get(), message.data(), message.size(), 0) < 0) {
    return fail_errno("sending to the kernel by netlink");
  }
  bool done = false;
  while (!done) {
    const std::string datagram = TRY(receive());
    TRY(for_each_message(datagram, [&](const nlmsghdr& header, std::string_view body) -> Result<> {
      if (header.nlmsg_seq != sequence_) return {};
      if (header.nlmsg_type == NLMSG_DONE) {
        done = true;
      } else if (header.nlmsg_type == NLMSG_ERROR) {
        const auto outcome = front_of<nlmsgerr>(body);
        if (!outcome) return fail(ErrorKind::corrupt, "a netlink answer is cut short");
        done = true;
        if (outcome->error != 0 && -outcome->error != request.accepted_error) {
          return fail_with(-outcome->error, request.what, words_of(body, header));
        }
      } else {
        each(body);
      }
      return {};
    }));
  }
  return {};
}

}  // namespace proa::netlink
