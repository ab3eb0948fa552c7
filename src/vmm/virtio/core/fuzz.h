// Drives a device with hostile bytes for its fuzz target: the input is the guest's memory and what
// it does to the registers. Only fuzz targets include this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include "vmm/virtio/core/controller.h"

namespace proa::vmm::virtio::fuzz {

class SilentSignals final : public Signals {
 public:
  void queue_used(std::uint16_t /*queue*/) override {}
  void config_changed() override {}
};

// A driver that does what a tape of bytes says.
class Harness {
 public:
  using MakeDevice = std::function<std::unique_ptr<Device>()>;

  explicit Harness(const MakeDevice& make)
      : memory_(GuestMemory::create(plan_memory(2 * kMiB).take(), MemoryBacking::anonymous).take()),
        worker_(Worker::start("device").take()),
        controller_(Controller::create(make(), *worker_, memory_,
                                       {.on_fault = [](std::string_view, const Error&) {}})
                        .take()) {
    controller_->connect(signals_);
  }

  // First byte: 255 restores the rest as saved state, anything else picks features and begins a
  // driver's life whose rings and buffers are the rest, repeated over the first 64 KiB.
  void run(ByteSpan input) {
    if (input.empty()) return;
    const auto first = static_cast<std::uint8_t>(input[0]);
    input = input.subspan(1);
    if (first == 255) {
      restore(input);
    } else {
      drive(first, input);
    }
    controller_->set_status(0);
  }

 private:
  static constexpr std::uint16_t kQueueSize = 8;

  void restore(ByteSpan input) {
    worker_->pause();
    StateReader reader(text_of(input));
    discard(controller_->restore(reader), "most inputs are no state");
    worker_->resume();
    worker_->run([] {});
  }

  void drive(std::uint8_t features, ByteSpan input) {
    fill_memory(input);
    controller_->set_status(kAcknowledge | kDriver);
    const bool plain = (features & 1) != 0;
    controller_->set_driver_features(0, plain ? kFeatureIndirect : controller_->device_features(0));
    controller_->set_driver_features(1, 1);
    controller_->set_status(kFeaturesOk);
    for (std::uint16_t i = 0; i < controller_->queue_count(); ++i) {
      // Rings of 512 bytes, one behind the other: all of them inside what the input fills.
      const GuestAddr base{std::uint64_t{i} * 512};
      controller_->set_queue_layout(i, {kQueueSize, base, base + 128, base + 256});
      controller_->enable_queue(i, true);
      // The index must be near 0, or every input ends in "too many chains".
      const Le16 index = static_cast<std::uint16_t>((features >> 1) % (kQueueSize + 2));
      discard(memory_.write_object(base + 130, index), "it is inside memory");
    }
    controller_->set_status(kDriverOk);
    if (input.size() >= 3) touch_config(input);
    for (std::uint16_t i = 0; i < controller_->queue_count(); ++i) controller_->kick(i);
    // Kicks come out of epoll in the order they came, and this task behind them.
    worker_->run([] {});
    worker_->run([] {});
  }

  void touch_config(ByteSpan input) {
    std::byte value[8] = {};
    const auto offset = static_cast<std::uint64_t>(input[0]);
    const std::size_t length = std::size_t{1} << (static_cast<std::uint8_t>(input[1]) % 4);
    controller_->write_config(offset, input.subspan(2, std::min(length, input.size() - 2)));
    controller_->read_config(offset, MutableByteSpan(value).first(length));
  }

  void fill_memory(ByteSpan input) {
    if (input.empty()) return;
    input = input.first(std::min<std::size_t>(input.size(), 64 * kKiB));
    for (std::uint64_t at = 0; at + input.size() <= 64 * kKiB; at += input.size()) {
      discard(memory_.write(GuestAddr{at}, input), "it is inside memory");
      if (input.size() < 512) break;
    }
  }

  GuestMemory memory_;
  SilentSignals signals_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<Controller> controller_;
};

}  // namespace proa::vmm::virtio::fuzz
