// A netlink socket: many requests in one send, their outcomes in order, and dumps. The typed
// requests are in link.h and nft.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/netlink/message.h"

namespace proa::netlink {

// What a request is and what to say of it when the kernel refuses.
struct Request {
  Message message;
  std::string what;          // "adding the address 10.1.0.2/24"
  int accepted_error = 0;    // this errno is as good as success (EEXIST, ENOENT, ...)
  bool acknowledged = true;  // batch marks of nfnetlink are not
};

// Thread: one at a time. Owner: whoever opened it.
class NetlinkSocket {
 public:
  // `protocol`: NETLINK_ROUTE or NETLINK_NETFILTER. Belongs to the calling thread's network
  // namespace for as long as it lives.
  static Result<NetlinkSocket> open(int protocol);
  // Belongs to `network_namespace`; the calling thread is back in its own afterwards.
  static Result<NetlinkSocket> open_in(FdRef network_namespace, int protocol);

  // Sends all requests at once and waits for every outcome. The kernel goes on after a request
  // that failed (but not within an nfnetlink batch); the first failure is the one that is told.
  Result<void> send(std::vector<Request> requests);
  // Sends one request that is answered by messages: each one's part behind the header goes to
  // `each`.
  Result<void> query(Request request, const std::function<void(std::string_view)>& each);

 private:
  explicit NetlinkSocket(Fd fd) : fd_(std::move(fd)) {}
  Result<std::string> receive();

  Fd fd_;
  std::uint32_t sequence_ = 0;
};

}  // namespace proa::netlink
