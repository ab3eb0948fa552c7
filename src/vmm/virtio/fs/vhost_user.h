// The front end's side of vhost-user: hands a device's queues, the guest's memory and the eventfds
// between them to another process over a unix socket. The server is a process of our own starting
// that handles foreign bytes: what it answers is checked, and it has two seconds for it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/virtio/core/queue.h"

namespace proa::vmm::virtio::fs {

// Spec:   "Vhost-user Protocol", QEMU's docs/interop/vhost-user
// Owner:  the device. Thread: one at a time; calls wait for the server.
// Errors: unavailable (the server has gone), timeout, corrupt (it answers something else),
//         internal (it refused)
class VhostUser {
 public:
  // `socket` is connected. Greets the server, and asks what it can do.
  static Result<VhostUser> open(Fd socket);

  // Readable only when the server has gone, or breaks the protocol.
  FdRef socket() const { return socket_; }
  std::uint64_t features() const { return features_; }

  Result<void> set_features(std::uint64_t features);
  // The memory is a memfd. Guest addresses stand for the front end's own in all that follows.
  Result<void> set_memory(const GuestMemory& memory);
  Result<void> start_queue(std::uint16_t index, const QueueLayout& layout, FdRef kick, FdRef call);
  // Returns once the server touches the queue no more.
  Result<void> stop_queue(std::uint16_t index);

 private:
  explicit VhostUser(Fd socket) : socket_(std::move(socket)) {}
  Result<void> say(std::uint32_t request, ByteSpan body, std::span<const int> descriptors = {});
  Result<std::uint64_t> ask(std::uint32_t request, ByteSpan body = {});
  Result<void> send(std::uint32_t request, std::uint32_t flags, ByteSpan body,
                    std::span<const int> descriptors);
  Result<std::uint64_t> receive(std::uint32_t request);
  Result<void> wait_readable() const;

  Fd socket_;
  std::uint64_t features_ = 0;
  bool acknowledges_ = false;
};

}  // namespace proa::vmm::virtio::fs
