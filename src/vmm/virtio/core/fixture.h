// The driver's side of virtio for tests and fuzz targets: builds rings in plain guest memory,
// drives a controller through a driver's steps, and waits for interrupts. Only tests include this.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

#include "vmm/virtio/core/controller.h"

namespace proa::vmm::virtio::fixture {

enum class Direction : std::uint8_t { to_device, from_device };

struct Buffer {
  GuestAddr address;
  std::uint32_t length = 0;
  Direction direction = Direction::to_device;
};

struct Used {
  std::uint32_t head = 0;
  std::uint32_t written = 0;
  bool operator==(const Used&) const = default;
};

inline GuestMemory make_memory(std::uint64_t size = 4 * kMiB) {
  return GuestMemory::create(plan_memory(size).take(), MemoryBacking::anonymous).take();
}

// A driver's half of a split queue whose three areas lie one behind the other from `base`.
class DriverQueue {
 public:
  DriverQueue(GuestMemory& memory, GuestAddr base, std::uint16_t size)
      : memory_(&memory), base_(base), size_(size) {}

  QueueLayout layout() const {
    return {size_, base_, base_ + 16U * size_, base_ + 16U * size_ + 4096};
  }
  std::uint16_t size() const { return size_; }

  void set_descriptor(std::uint16_t index, std::uint64_t address, std::uint32_t length,
                      std::uint16_t flags, std::uint16_t next) {
    set_descriptor_at(base_ + 16U * index, address, length, flags, next);
  }
  void set_descriptor_at(GuestAddr place, std::uint64_t address, std::uint32_t length,
                         std::uint16_t flags, std::uint16_t next) {
    write(place, Le64(address));
    write(place + 8, Le32(length));
    write(place + 12, Le16(flags));
    write(place + 14, Le16(next));
  }
  void offer(std::uint16_t head) {
    write(layout().driver_area + 4 + 2U * (available_ % size_), Le16(head));
    set_available_index(static_cast<std::uint16_t>(available_ + 1));
  }
  void set_available_index(std::uint16_t index) {
    available_ = index;
    EXPECT_TRUE(memory_->store_release16(layout().driver_area + 2, index).ok());
  }
  void set_driver_flags(std::uint16_t flags) { write(layout().driver_area, Le16(flags)); }
  void set_used_event(std::uint16_t index) {
    write(layout().driver_area + 4 + 2U * size_, Le16(index));
  }
  std::uint16_t device_flags() const { return read(layout().device_area); }
  std::uint16_t available_event() const { return read(layout().device_area + 4 + 8U * size_); }

  // Offers a chain of the buffers, in the next free descriptors; gives its head.
  std::uint16_t add(const std::vector<Buffer>& buffers) {
    const std::uint16_t head = next_descriptor_;
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      const std::uint16_t index = next_descriptor_;
      next_descriptor_ = static_cast<std::uint16_t>((next_descriptor_ + 1) % size_);
      const bool more = i + 1 < buffers.size();
      const bool writable = buffers[i].direction == Direction::from_device;
      set_descriptor(index, buffers[i].address.value, buffers[i].length,
                     static_cast<std::uint16_t>((more ? 1 : 0) | (writable ? 2 : 0)),
                     next_descriptor_);
    }
    offer(head);
    return head;
  }

  std::optional<Used> take_used() {
    if (read(layout().device_area + 2) == seen_used_) return std::nullopt;
    const GuestAddr place = layout().device_area + 4 + 8U * (seen_used_ % size_);
    ++seen_used_;
    // A driver that has seen this much wants to hear of the next.
    set_used_event(seen_used_);
    return Used{memory_->read_object<Le32>(place).take(),
                memory_->read_object<Le32>(place + 4).take()};
  }

 private:
  template <typename Number>
  void write(GuestAddr address, Number number) {
    EXPECT_TRUE(memory_->write_object(address, number).ok());
  }
  std::uint16_t read(GuestAddr address) const { return memory_->load_acquire16(address).take(); }

  GuestMemory* memory_;
  GuestAddr base_;
  std::uint16_t size_;
  std::uint16_t available_ = 0;
  std::uint16_t next_descriptor_ = 0;
  std::uint16_t seen_used_ = 0;
};

// Counts interrupts and lets a test wait for one.
class CountedSignals final : public Signals {
 public:
  void queue_used(std::uint16_t /*queue*/) override { count(used_); }
  void config_changed() override { count(config_); }
  int used() { return locked(used_); }
  int config() { return locked(config_); }
  // Waits, five seconds at most, until `done` holds; looks again after every interrupt.
  template <typename Condition>
  bool wait(Condition done) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(5), done);
  }

 private:
  void count(int& counter) {
    const std::lock_guard lock(mutex_);
    ++counter;
    changed_.notify_all();
  }
  int locked(const int& counter) {
    const std::lock_guard lock(mutex_);
    return counter;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  int used_ = 0;
  int config_ = 0;
};

// A device behind its controller, with a driver's queues in guest memory. Queue n's rings are at
// 64 KiB * (n + 1); buffers are a test's own from 2 MiB on.
class Rig {
 public:
  static constexpr GuestAddr kBuffers{2 * kMiB};

  Rig(std::unique_ptr<Device> device, std::uint64_t features, std::uint16_t queue_size = 16)
      : Rig(make_memory(), std::move(device), features, queue_size) {}
  Rig(GuestMemory memory, std::unique_ptr<Device> device, std::uint64_t features,
      std::uint16_t queue_size = 16)
      : memory_(std::move(memory)),
        worker_(Worker::start("device").take()),
        controller_(Controller::create(std::move(device), *worker_, memory_,
                                       {.on_fault =
                                            [this](std::string_view, const Error& error) {
                                              const std::lock_guard lock(mutex_);
                                              fault_ = error.message();
                                            },
                                        .on_lack_of_room = [this] { shortages_.release(); }})
                        .take()),
        features_(features | kFeatureVersion1) {
    controller_->connect(signals_);
    for (std::uint16_t i = 0; i < controller_->queue_count(); ++i) {
      queues_.emplace_back(memory_, GuestAddr{64 * kKiB * (i + 1U)}, queue_size);
    }
  }

  // Negotiates as a driver does, up to DRIVER_OK.
  void start() {
    controller_->set_status(kAcknowledge | kDriver);
    controller_->set_driver_features(0, static_cast<std::uint32_t>(features_));
    controller_->set_driver_features(1, static_cast<std::uint32_t>(features_ >> 32));
    controller_->set_status(kAcknowledge | kDriver | kFeaturesOk);
    for (std::uint16_t i = 0; i < queues_.size(); ++i) {
      controller_->set_queue_layout(i, queues_[i].layout());
      controller_->enable_queue(i, true);
    }
    controller_->set_status(kAcknowledge | kDriver | kFeaturesOk | kDriverOk);
  }

  GuestMemory& memory() { return memory_; }
  Worker& worker() { return *worker_; }
  Controller& controller() { return *controller_; }
  CountedSignals& signals() { return signals_; }
  DriverQueue& queue(std::uint16_t index) { return queues_[index]; }
  std::string fault() {
    const std::lock_guard lock(mutex_);
    return fault_;
  }

  // Kicks, and waits for the next used chain of that queue.
  std::optional<Used> serve(std::uint16_t index) {
    controller_->kick(index);
    return wait_used(index);
  }
  std::optional<Used> wait_used(std::uint16_t index) {
    std::optional<Used> used;
    signals_.wait([&] {
      if (!used.has_value()) used = queues_[index].take_used();
      return used.has_value() || (controller_->status() & kNeedsReset) != 0;
    });
    return used;
  }
  bool wait_needs_reset() {
    return signals_.wait([&] { return (controller_->status() & kNeedsReset) != 0; });
  }

  // Waits until the device has found the host's disk full once more.
  bool wait_lack_of_room() { return shortages_.try_acquire_for(std::chrono::seconds(5)); }

  // Returns once the worker has served what was signalled before: between two tasks of which one
  // waited for the other it looks at its events.
  void settle() {
    worker_->run([] {});
    worker_->run([] {});
  }

  void write(std::uint64_t offset, std::string_view text) {
    EXPECT_TRUE(memory_.write(kBuffers + offset, bytes_of(text)).ok());
  }
  std::string read(std::uint64_t offset, std::size_t length) {
    std::string text(length, '\0');
    EXPECT_TRUE(memory_.read(kBuffers + offset, std::as_writable_bytes(std::span(text))).ok());
    return text;
  }

  // What a snapshot holds of the device, which is reset at that very moment: if it went on, it
  // would serve from the same memory what the restored one serves again.
  std::string save_and_reset() {
    worker_->pause();
    EXPECT_TRUE(controller_->quiesce().ok());
    StateWriter writer;
    EXPECT_TRUE(controller_->save(writer).ok());
    controller_->set_status(0);
    worker_->resume();
    return writer.finish();
  }
  Result<void> restore(std::string_view state) {
    worker_->pause();
    StateReader reader(state);
    Result<void> restored = controller_->restore(reader);
    worker_->resume();
    return restored;
  }

 private:
  GuestMemory memory_;
  std::mutex mutex_;
  std::string fault_;
  CountedSignals signals_;
  std::counting_semaphore<> shortages_{0};
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<Controller> controller_;
  std::uint64_t features_;
  std::vector<DriverQueue> queues_;
};

}  // namespace proa::vmm::virtio::fixture
