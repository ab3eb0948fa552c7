// One virtio device's life as the driver drives it: features, status, queues, configuration. Both
// transports put their registers in front of this; it puts the device behind it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "kernel/event/event_fd.h"
#include "vmm/virtio/core/device.h"

namespace proa::vmm::virtio {

// virtio 1.2, 2.1
enum Status : std::uint8_t {
  kAcknowledge = 1,
  kDriver = 2,
  kDriverOk = 4,
  kFeaturesOk = 8,
  kNeedsReset = 64,
  kFailed = 128,
};

constexpr std::uint64_t kFeatureVersion1 = std::uint64_t{1} << 32;

// How a transport interrupts its driver. Thread: any; never blocks on a vCPU.
class Signals {
 public:
  virtual ~Signals() = default;
  virtual void queue_used(std::uint16_t queue) = 0;
  virtual void config_changed() = 0;
};

// What is told of a device. Thread: the worker's.
struct DeviceReports {
  // Why it stopped; the driver sees DEVICE_NEEDS_RESET.
  std::function<void(std::string_view device, const Error& error)> on_fault;
  // The host's disk is full: a request waits, and is tried again until there is room.
  std::function<void()> on_lack_of_room = [] {};
};

// Owner: the transport. Thread: register functions by one thread at a time (the transport holds
// its lock), host functions by the worker; the device and its queues live on the worker alone.
class Controller final : public DeviceHost, public Stateful {
 public:
  static Result<std::unique_ptr<Controller>> create(std::unique_ptr<Device> device, Worker& worker,
                                                    GuestMemory& memory, DeviceReports reports);
  ~Controller() override;

  // The transport introduces itself, before the guest runs.
  void connect(Signals& signals) { signals_ = &signals; }
  DeviceType type() const { return device_->type(); }
  std::string_view name() const { return device_->name(); }

  // Features in pages of 32 bits; pages beyond the second read as zero and ignore writes.
  std::uint32_t device_features(std::uint32_t page) const;
  std::uint32_t driver_features(std::uint32_t page) const;
  void set_driver_features(std::uint32_t page, std::uint32_t bits);

  std::uint8_t status() const { return status_; }
  // Adds status bits, or resets the device with 0 (which returns once it is reset).
  //
  // Spec: virtio 1.2, 2.1 and 3.1
  void set_status(std::uint8_t status);

  std::uint16_t queue_count() const { return static_cast<std::uint16_t>(layouts_.size()); }
  std::uint16_t max_queue_size(std::uint16_t queue) const;
  // A queue's layout and whether the driver enabled it. Queues beyond the last: size 0.
  QueueLayout queue_layout(std::uint16_t queue) const;
  bool queue_enabled(std::uint16_t queue) const;
  // Ignored once the device runs, and for queues that do not exist.
  void set_queue_layout(std::uint16_t queue, const QueueLayout& layout);
  void enable_queue(std::uint16_t queue, bool enabled);

  // What the machine turns the driver's kicks into.
  FdRef kick_event(std::uint16_t queue) const { return kicks_[queue].fd(); }
  // A kick that reached us as a register write.
  void kick(std::uint16_t queue);

  std::uint32_t config_generation() const { return generation_; }
  void read_config(std::uint64_t offset, MutableByteSpan into) const;
  void write_config(std::uint64_t offset, ByteSpan from);

  // Runs on the worker and returns with no request in flight. The worker is paused.
  Result<void> quiesce();
  // Section "virtio" of its own, then the device's. The worker is paused and quiesced.
  Result<void> save(StateWriter& writer) const override;
  Result<void> restore(StateReader& reader) override;

  void interrupt(std::uint16_t queue) override { signals_->queue_used(queue); }
  void config_changed() override;
  void lacks_room() override { reports_.on_lack_of_room(); }
  void fail(Error error) override;

 private:
  Controller(std::unique_ptr<Device> device, Worker& worker, GuestMemory& memory,
             DeviceReports reports);
  std::uint64_t offered_features() const;
  bool exists(std::uint16_t queue) const { return queue < layouts_.size(); }
  bool running() const { return (status_ & kDriverOk) != 0; }
  // These run on the worker.
  Result<void> make_queues();
  Result<void> start();
  Result<void> watch_kicks();
  void stop();
  Result<void> restore_on_worker(StateReader& reader);

  std::unique_ptr<Device> device_;
  Worker& worker_;
  GuestMemory& memory_;
  DeviceReports reports_;
  Signals* signals_ = nullptr;

  std::atomic<std::uint8_t> status_ = 0;
  std::atomic<std::uint32_t> generation_ = 0;
  std::uint64_t driver_features_ = 0;
  std::vector<std::uint16_t> max_sizes_;
  std::vector<QueueLayout> layouts_;
  std::vector<bool> enabled_;
  std::vector<event::EventFd> kicks_;

  std::vector<std::optional<Queue>> queues_;  // the worker's
  std::vector<Watch> watches_;                // the worker's
};

}  // namespace proa::vmm::virtio
