#include "vmm/virtio/fs/vhost_user.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "kernel/socket/unix_stream.h"

namespace proa::vmm::virtio::fs {
namespace {

enum Request : std::uint32_t {
  kGetFeatures = 1,
  kSetFeatures = 2,
  kSetOwner = 3,
  kSetMemoryTable = 5,
  kSetQueueSize = 8,
  kSetQueueAddress = 9,
  kSetQueueBase = 10,
  kGetQueueBase = 11,
  kSetQueueKick = 12,
  kSetQueueCall = 13,
  kGetProtocolFeatures = 15,
  kSetProtocolFeatures = 16,
  kSetQueueEnable = 18,
};

struct Head {
  Le32 request;
  Le32 flags;
  Le32 size;
};
static_assert(sizeof(Head) == 12);
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kReply = 4;
constexpr std::uint32_t kNeedsReply = 8;

constexpr std::uint64_t kFeatureProtocol = std::uint64_t{1} << 30;
constexpr std::uint64_t kProtocolAcknowledge = std::uint64_t{1} << 3;

struct QueueState {
  Le32 index;
  Le32 number;
};
struct QueueAddress {
  Le32 index;
  Le32 flags;
  Le64 descriptors;
  Le64 used;
  Le64 available;
  Le64 log;
};
static_assert(sizeof(QueueAddress) == 40);

struct Region {
  Le64 guest;
  Le64 size;
  Le64 front_end;
  Le64 offset;
};
constexpr std::size_t kMaxRegions = 2;
struct MemoryTable {
  Le32 count;
  Le32 padding;
  Region regions[kMaxRegions];
};

constexpr int kPatienceMilliseconds = 2000;

}  // namespace

Result<VhostUser> VhostUser::open(Fd socket) {
  VhostUser server(std::move(socket));
  TRY(server.say(kSetOwner, {}));
  const std::uint64_t offered = TRY(server.ask(kGetFeatures));
  server.features_ = offered & ~kFeatureProtocol;
  if ((offered & kFeatureProtocol) == 0) return server;
  const std::uint64_t protocol = TRY(server.ask(kGetProtocolFeatures));
  const Le64 wanted = protocol & kProtocolAcknowledge;
  TRY(server.say(kSetProtocolFeatures, bytes_of(wanted)));
  server.acknowledges_ = wanted.get() != 0;
  return server;
}

Result<void> VhostUser::send(std::uint32_t request, std::uint32_t flags, ByteSpan body,
                             std::span<const int> descriptors) {
  Head head;
  head.request = request;
  head.flags = kVersion | flags;
  head.size = static_cast<std::uint32_t>(body.size());
  const std::string message = cat(text_of(bytes_of(head)), text_of(body));
  const std::size_t sent = TRY(socket::send(socket_, message, descriptors));
  // So short a message goes whole into a socket that waits for its answers.
  if (sent != message.size()) return fail(ErrorKind::unavailable, "the server does not listen");
  return {};
}

Result<void> VhostUser::wait_readable() const {
  pollfd waiting = {.fd = socket_.get(), .events = POLLIN, .revents = 0};
  const int ready = ::poll(&waiting, 1, kPatienceMilliseconds);
  if (ready < 0 && errno != EINTR) return fail_errno("waiting for the server");
  if (ready <= 0) return fail(ErrorKind::timeout, "the server does not answer");
  return {};
}

Result<std::uint64_t> VhostUser::receive(std::uint32_t request) {
  struct Answer {
    Head head;
    Le64 value;
  };
  std::array<std::byte, sizeof(Head) + sizeof(Le64)> bytes;
  MutableByteSpan rest = bytes;
  while (!rest.empty()) {
    TRY(wait_readable());
    const socket::Received received = TRY(socket::receive(socket_, rest));
    if (received.end) return fail(ErrorKind::unavailable, "the server has gone");
    rest = rest.subspan(received.bytes);
  }
  const auto head = copy_from<Head>(bytes);
  if (head.request != request || (head.flags & kReply) == 0 || head.size != sizeof(Le64)) {
    return fail(ErrorKind::corrupt, "the server answers ", head.request.get(), " to ", request);
  }
  return copy_from<Le64>(ByteSpan(bytes).subspan(sizeof(Head))).get();
}

Result<void> VhostUser::say(std::uint32_t request, ByteSpan body,
                            std::span<const int> descriptors) {
  TRY(send(request, acknowledges_ ? kNeedsReply : 0, body, descriptors));
  if (!acknowledges_) return {};
  const std::uint64_t refused = TRY(receive(request));
  if (refused != 0) return fail(ErrorKind::internal, "the server refuses request ", request);
  return {};
}

Result<std::uint64_t> VhostUser::ask(std::uint32_t request, ByteSpan body) {
  TRY(send(request, 0, body, {}));
  return receive(request);
}

Result<void> VhostUser::set_features(std::uint64_t features) {
  // Without the protocol's own bit queues would be enabled from the start.
  return say(kSetFeatures, bytes_of(Le64(features | kFeatureProtocol)));
}

Result<void> VhostUser::set_memory(const GuestMemory& memory) {
  const std::optional<FdRef> file = memory.shared_file();
  if (!file.has_value() || memory.regions().size() > kMaxRegions) {
    return fail(ErrorKind::invalid_argument, "the guest's memory cannot be shared");
  }
  MemoryTable table;
  std::vector<int> descriptors;
  for (const MemoryRegion& region : memory.regions()) {
    Region& entry = table.regions[descriptors.size()];
    entry.guest = region.guest.start.value;
    entry.front_end = region.guest.start.value;
    entry.size = region.guest.size;
    entry.offset = region.file_offset;
    descriptors.push_back(file->get());
  }
  table.count = static_cast<std::uint32_t>(descriptors.size());
  const std::size_t length = 2 * sizeof(Le32) + descriptors.size() * sizeof(Region);
  return say(kSetMemoryTable, bytes_of(table).first(length), descriptors);
}

Result<void> VhostUser::start_queue(std::uint16_t index, const QueueLayout& layout, FdRef kick,
                                    FdRef call) {
  TRY(say(kSetQueueSize, bytes_of(QueueState{index, layout.size})));
  TRY(say(kSetQueueBase, bytes_of(QueueState{index, 0})));
  QueueAddress address;
  address.index = index;
  address.descriptors = layout.descriptors.value;
  address.available = layout.driver_area.value;
  address.used = layout.device_area.value;
  TRY(say(kSetQueueAddress, bytes_of(address)));
  const int call_number = call.get();
  const int kick_number = kick.get();
  TRY(say(kSetQueueCall, bytes_of(Le64(index)), {&call_number, 1}));
  TRY(say(kSetQueueKick, bytes_of(Le64(index)), {&kick_number, 1}));
  return say(kSetQueueEnable, bytes_of(QueueState{index, 1}));
}

Result<void> VhostUser::stop_queue(std::uint16_t index) {
  TRY(ask(kGetQueueBase, bytes_of(QueueState{index, 0})));
  return {};
}

}  // namespace proa::vmm::virtio::fs
