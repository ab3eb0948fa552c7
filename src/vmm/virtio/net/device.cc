#include "vmm/virtio/net/device.h"

#include <algorithm>

namespace proa::vmm::virtio::net {
namespace {

constexpr std::uint16_t kReceive = 0;
constexpr std::uint16_t kTransmit = 1;
constexpr std::uint16_t kQueueSize = 256;
// Frames served before other events get their turn.
constexpr int kBatch = 256;
constexpr std::uint16_t kMinMtu = 68;

constexpr std::uint64_t kUsoFeatures = kFeatureGuestUso4 | kFeatureGuestUso6 | kFeatureHostUso;

}  // namespace

Result<std::unique_ptr<NetDevice>> NetDevice::create(tap::Tap tap, const Mac& mac,
                                                     std::uint16_t mtu) {
  if (mtu < kMinMtu) return fail(ErrorKind::invalid_argument, "an MTU of ", mtu);
  if ((mac[0] & 1) != 0) return fail(ErrorKind::invalid_argument, "a multicast MAC address");
  return std::unique_ptr<NetDevice>(new NetDevice(std::move(tap), mac, mtu));
}

NetDevice::NetDevice(tap::Tap tap, const Mac& mac, std::uint16_t mtu)
    : tap_(std::move(tap)), frame_(kMaxFrame) {
  config_.mac = mac;
  config_.status = kLinkUp;
  config_.max_queue_pairs = 1;
  config_.mtu = mtu;
}

std::uint64_t NetDevice::features() const {
  const std::uint64_t features = kFeatureChecksum | kFeatureGuestChecksum | kFeatureMtu |
                                 kFeatureMac | kFeatureGuestTso4 | kFeatureGuestTso6 |
                                 kFeatureGuestEcn | kFeatureHostTso4 | kFeatureHostTso6 |
                                 kFeatureHostEcn | kFeatureMergeable | kFeatureStatus;
  return tap_.has_uso() ? features | kUsoFeatures : features;
}

std::vector<std::uint16_t> NetDevice::queue_sizes() const { return {kQueueSize, kQueueSize}; }

void NetDevice::read_config(std::uint64_t offset, MutableByteSpan into) const {
  read_config_bytes(bytes_of(config_), offset, into);
}

Result<void> NetDevice::activate(const Activation& activation) {
  TRY(tap_.set_offloads({.checksum = activation.has(kFeatureGuestChecksum),
                         .tso4 = activation.has(kFeatureGuestTso4),
                         .tso6 = activation.has(kFeatureGuestTso6),
                         .ecn = activation.has(kFeatureGuestEcn),
                         .uso4 = activation.has(kFeatureGuestUso4),
                         .uso6 = activation.has(kFeatureGuestUso6)}));
  activation_ = activation;
  interest_ = {.readable = activation.queues[kReceive].has_value()};
  watch_ = TRY(activation.worker->watch(tap_.fd(), interest_,
                                        [this](event::Readiness readiness) { on_tap(readiness); }));
  return {};
}

void NetDevice::reset() {
  watch_.reset();
  held_ = 0;
  activation_ = {};
}

Result<void> NetDevice::set_interest(event::Readiness interest) {
  if (interest.readable == interest_.readable && interest.writable == interest_.writable) {
    return {};
  }
  interest_ = interest;
  return watch_.set_interest(interest);
}

void NetDevice::on_tap(event::Readiness readiness) {
  Result<void> result;
  if (readiness.closed) {
    result = fail(ErrorKind::unavailable, "the tap is gone");
  } else if (readiness.writable) {
    result = set_interest({.readable = interest_.readable});
    if (result.ok()) result = transmit();
  }
  if (result.ok() && readiness.readable) result = receive();
  if (!result.ok()) activation_.host->fail(result.error());
}

Result<void> NetDevice::process(std::uint16_t queue) {
  return queue == kReceive ? receive() : transmit();
}

Result<void> NetDevice::receive() {
  Queue& queue = *activation_.queues[kReceive];
  bool starved = false;
  for (int i = 0; i < kBatch && !starved; ++i) {
    if (held_ == 0) {
      const iovec buffer = {frame_.data(), frame_.size()};
      const auto length = TRY(tap_.read({&buffer, 1}));
      if (!length.has_value()) break;
      held_ = *length;
      if (held_ <= sizeof(FrameHeader)) held_ = 0;
    }
    if (held_ != 0) starved = !TRY(deliver());
  }
  if (TRY(queue.flush())) activation_.host->interrupt(kReceive);
  // The tap keeps its frames, and drops what does not fit, until the guest offers buffers.
  return set_interest({.readable = !starved, .writable = interest_.writable});
}

Result<bool> NetDevice::deliver() {
  Queue& queue = *activation_.queues[kReceive];
  TRY(queue.disable_kicks());
  const bool mergeable = activation_.has(kFeatureMergeable);
  std::size_t used = 0;
  std::uint64_t room = 0;
  while (room < held_) {
    if (used == receive_chains_.size()) receive_chains_.emplace_back();
    bool popped = TRY(queue.pop(receive_chains_[used]));
    if (!popped && TRY(queue.enable_kicks())) popped = TRY(queue.pop(receive_chains_[used]));
    if (!popped) {
      // Not enough yet: what was taken goes back. The driver has been asked to kick for the chain
      // behind it, and that kick brings us here again.
      for (; used != 0; --used) queue.unpop();
      return false;
    }
    room += receive_chains_[used++].writable_length;
    if (room == 0) return fail(ErrorKind::guest_fault, "a receive buffer without room");
    if (!mergeable && room < held_) {
      // Such a frame never fits: the driver chose its buffers (5.1.6.3.1).
      TRY(queue.push(receive_chains_[0].head, 0));
      held_ = 0;
      return true;
    }
    if (used > queue_sizes()[kReceive]) {
      return fail(ErrorKind::guest_fault, "receive buffers without room");
    }
  }
  const Le16 count = static_cast<std::uint16_t>(used);
  std::memcpy(frame_.data() + offsetof(FrameHeader, buffers), &count, sizeof count);
  ByteSpan rest = ByteSpan(frame_).first(held_);
  for (std::size_t i = 0; i < used; ++i) {
    Cursor cursor = Cursor::writable(receive_chains_[i]);
    const auto length = std::min<std::uint64_t>(cursor.remaining(), rest.size());
    TRY(cursor.write(*activation_.memory, rest.first(length)));
    TRY(queue.push(receive_chains_[i].head, static_cast<std::uint32_t>(length)));
    rest = rest.subspan(length);
  }
  held_ = 0;
  return true;
}

Result<void> NetDevice::transmit() {
  Queue& queue = *activation_.queues[kTransmit];
  do {
    TRY(queue.disable_kicks());
    while (TRY(queue.pop(transmit_chain_))) {
      if (TRY(send(transmit_chain_)) == tap::Tap::Sent::full) {
        // The guest learns of it by its queue filling up; the tap calls when it has room.
        queue.unpop();
        if (TRY(queue.flush())) activation_.host->interrupt(kTransmit);
        return set_interest({.readable = interest_.readable, .writable = true});
      }
      TRY(queue.push(transmit_chain_.head, 0));
    }
    if (TRY(queue.flush())) activation_.host->interrupt(kTransmit);
  } while (TRY(queue.enable_kicks()));
  return {};
}

Result<tap::Tap::Sent> NetDevice::send(const Chain& chain) {
  if (chain.readable_length <= sizeof(FrameHeader)) {
    return fail(ErrorKind::guest_fault, "a frame of ", chain.readable_length, " bytes");
  }
  // What is longer than any frame can be, or in more pieces than the kernel takes, is dropped.
  if (chain.readable_length > kMaxFrame) return tap::Tap::Sent::refused;
  buffers_.clear();
  Cursor cursor = Cursor::readable(chain);
  TRY(cursor.gather(*activation_.memory, cursor.remaining(), buffers_));
  return tap_.write(buffers_);
}

}  // namespace proa::vmm::virtio::net
