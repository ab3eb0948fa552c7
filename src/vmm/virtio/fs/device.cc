#include "vmm/virtio/fs/device.h"

#include <algorithm>
#include <utility>

#include "vmm/virtio/core/controller.h"

namespace proa::vmm::virtio::fs {
namespace {

constexpr std::uint16_t kQueueSize = 128;
constexpr std::size_t kQueues = 2;  // urgent requests, and all others
constexpr std::uint64_t kNeeded = kFeatureVersion1 | kFeatureIndirect | kFeatureEventIndex;

}  // namespace

Result<std::unique_ptr<FsDevice>> FsDevice::create(const std::string& tag, Fd socket) {
  if (tag.empty() || tag.size() > kTagSize) {
    return fail(ErrorKind::invalid_argument, "a tag of ", tag.size(), " bytes");
  }
  VhostUser server = TRY(VhostUser::open(std::move(socket)));
  if ((server.features() & kNeeded) != kNeeded) {
    return fail(ErrorKind::unsupported, "the server has features ", hex(server.features()),
                ", needed are ", hex(kNeeded));
  }
  std::vector<event::EventFd> calls;
  for (std::size_t i = 0; i < kQueues; ++i) calls.push_back(TRY(event::EventFd::create()));
  return std::unique_ptr<FsDevice>(new FsDevice(tag, std::move(server), std::move(calls)));
}

FsDevice::FsDevice(const std::string& tag, VhostUser server, std::vector<event::EventFd> calls)
    : tag_(tag), server_(std::move(server)), calls_(std::move(calls)) {}

std::vector<std::uint16_t> FsDevice::queue_sizes() const {
  return std::vector<std::uint16_t>(kQueues, kQueueSize);
}

void FsDevice::read_config(std::uint64_t offset, MutableByteSpan into) const {
  FsConfig config;
  std::ranges::copy(tag_, config.tag.begin());
  read_config_bytes(bytes_of(config), offset, into);
}

Result<void> FsDevice::activate(const Activation& activation) {
  DeviceHost* const host = activation.host;
  TRY(server_.set_features(activation.features));
  TRY(server_.set_memory(*activation.memory));
  for (std::uint16_t i = 0; i < kQueues; ++i) {
    if (!activation.queues[i].has_value()) continue;
    watches_.push_back(TRY(activation.worker->watch(calls_[i].fd(), {.readable = true},
                                                    [this, host, i](event::Readiness) {
                                                      calls_[i].take();
                                                      host->interrupt(i);
                                                    })));
    started_.push_back(i);
    TRY(server_.start_queue(i, activation.layouts[i], activation.kicks[i].fd(), calls_[i].fd()),
        "share '", tag_, "', queue ", i);
  }
  watches_.push_back(TRY(activation.worker->watch(
      server_.socket(), {.readable = true}, [this, host](event::Readiness) {
        host->fail(fail(ErrorKind::unavailable, "the server of share '", tag_, "' has gone"));
      })));
  return {};
}

void FsDevice::reset() {
  watches_.clear();
  for (const std::uint16_t queue : std::exchange(started_, {})) {
    discard(server_.stop_queue(queue), "a server that has gone touches no memory any more");
  }
}

}  // namespace proa::vmm::virtio::fs
