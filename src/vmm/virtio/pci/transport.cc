#include "vmm/virtio/pci/transport.h"

#include <algorithm>
#include <utility>

#include "vmm/virtio/pci/layout.h"

namespace proa::vmm::virtio::pci {
namespace {

constexpr std::uint8_t kQueueInterrupt = 1;
constexpr std::uint8_t kConfigInterrupt = 2;

std::uint64_t number_of(ByteSpan bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
  }
  return value;
}

// Puts `value`, 4 or 8 bytes wide, into the low or high half of an address.
void set_part(GuestAddr& address, bool high, std::uint64_t value, std::size_t width) {
  if (width == sizeof(Le64) && !high) {
    address.value = value;
  } else if (high) {
    address.value = (address.value & 0xffff'ffff) | (value << 32);
  } else {
    address.value = (address.value & 0xffff'ffff'0000'0000) | (value & 0xffff'ffff);
  }
}

}  // namespace

PciTransport::PciTransport(std::unique_ptr<Controller> controller, Interrupts& interrupts,
                           GuestAddr bar)
    : controller_(std::move(controller)),
      bar_(bar),
      msix_(interrupts, static_cast<std::uint16_t>(controller_->queue_count() + 1)),
      queue_vectors_(controller_->queue_count()),
      config_vector_(kNoVector) {
  for (auto& vector : queue_vectors_) vector = kNoVector;
  lay_out_config();
  controller_->connect(*this);
}

Result<void> PciTransport::read(std::uint64_t offset, MutableByteSpan into) {
  const std::lock_guard lock(mutex_);
  return read_bar(offset, into);
}

Result<void> PciTransport::write(std::uint64_t offset, ByteSpan from) {
  const std::lock_guard lock(mutex_);
  return write_bar(offset, from);
}

Result<void> PciTransport::read_bar(std::uint64_t offset, MutableByteSpan into) {
  const std::uint64_t within = offset % kPartSize;
  switch (offset - within) {
    case kCommon:
      read_common(within, into);
      return {};
    case kIsr:
      if (within == 0) into[0] = std::byte{isr_.exchange(0)};
      return {};
    case kDeviceConfig:
      controller_->read_config(within, into);
      return {};
    case kMsixTable:
      msix_.read_table(within, into);
      return {};
    case kMsixPending:
      msix_.read_pending(within, into);
      return {};
    default:
      return {};
  }
}

Result<void> PciTransport::write_bar(std::uint64_t offset, ByteSpan from) {
  const std::uint64_t within = offset % kPartSize;
  switch (offset - within) {
    case kCommon:
      write_common(within, from);
      return {};
    case kDeviceConfig:
      controller_->write_config(within, from);
      return {};
    case kNotify:
      controller_->kick(static_cast<std::uint16_t>(within / kNotifyMultiplier));
      return {};
    case kMsixTable:
      return msix_.write_table(within, from);
    default:
      return {};
  }
}

void PciTransport::read_common(std::uint64_t offset, MutableByteSpan into) const {
  const QueueLayout layout = controller_->queue_layout(selected_queue_);
  const bool exists = selected_queue_ < controller_->queue_count();
  CommonConfig common;
  common.device_feature_select = device_features_page_;
  common.device_feature = controller_->device_features(device_features_page_);
  common.driver_feature_select = driver_features_page_;
  common.driver_feature = controller_->driver_features(driver_features_page_);
  common.config_msix_vector = config_vector_.load();
  common.num_queues = controller_->queue_count();
  common.device_status = controller_->status();
  common.config_generation = static_cast<std::uint8_t>(controller_->config_generation());
  common.queue_select = selected_queue_;
  common.queue_size = layout.size;
  common.queue_msix_vector = exists ? queue_vectors_[selected_queue_].load() : kNoVector;
  common.queue_enable = controller_->queue_enabled(selected_queue_) ? 1 : 0;
  common.queue_notify_off = selected_queue_;
  common.queue_desc = layout.descriptors.value;
  common.queue_driver = layout.driver_area.value;
  common.queue_device = layout.device_area.value;
  read_config_bytes(bytes_of(common), offset, into);
}

std::uint16_t PciTransport::checked_vector(std::uint64_t vector) const {
  return vector < msix_.count() ? static_cast<std::uint16_t>(vector) : kNoVector;
}

void PciTransport::write_common(std::uint64_t offset, ByteSpan from) {
  const std::uint64_t value = number_of(from);
  switch (offset) {
    case offsetof(CommonConfig, device_feature_select):
      device_features_page_ = static_cast<std::uint32_t>(value);
      return;
    case offsetof(CommonConfig, driver_feature_select):
      driver_features_page_ = static_cast<std::uint32_t>(value);
      return;
    case offsetof(CommonConfig, driver_feature):
      controller_->set_driver_features(driver_features_page_, static_cast<std::uint32_t>(value));
      return;
    case offsetof(CommonConfig, config_msix_vector):
      config_vector_ = checked_vector(value);
      return;
    case offsetof(CommonConfig, device_status):
      set_status(static_cast<std::uint8_t>(value));
      return;
    case offsetof(CommonConfig, queue_select):
      selected_queue_ = static_cast<std::uint16_t>(value);
      return;
    default:
      if (selected_queue_ < controller_->queue_count()) {
        write_queue_register(offset, value, from.size());
      }
  }
}

void PciTransport::write_queue_register(std::uint64_t offset, std::uint64_t value,
                                        std::size_t width) {
  QueueLayout layout = controller_->queue_layout(selected_queue_);
  constexpr std::uint64_t kHigh = sizeof(Le32);
  switch (offset) {
    case offsetof(CommonConfig, queue_size):
      layout.size = static_cast<std::uint16_t>(value);
      break;
    case offsetof(CommonConfig, queue_msix_vector):
      queue_vectors_[selected_queue_] = checked_vector(value);
      return;
    case offsetof(CommonConfig, queue_enable):
      // A driver cannot disable a queue but by a reset (4.1.4.3.2).
      if (value == 1) controller_->enable_queue(selected_queue_, true);
      return;
    case offsetof(CommonConfig, queue_desc):
    case offsetof(CommonConfig, queue_desc) + kHigh:
      set_part(layout.descriptors, offset != offsetof(CommonConfig, queue_desc), value, width);
      break;
    case offsetof(CommonConfig, queue_driver):
    case offsetof(CommonConfig, queue_driver) + kHigh:
      set_part(layout.driver_area, offset != offsetof(CommonConfig, queue_driver), value, width);
      break;
    case offsetof(CommonConfig, queue_device):
    case offsetof(CommonConfig, queue_device) + kHigh:
      set_part(layout.device_area, offset != offsetof(CommonConfig, queue_device), value, width);
      break;
    default:
      return;
  }
  controller_->set_queue_layout(selected_queue_, layout);
}

void PciTransport::set_status(std::uint8_t status) {
  controller_->set_status(status);
  if (status != 0) return;
  for (auto& vector : queue_vectors_) vector = kNoVector;
  config_vector_ = kNoVector;
  isr_ = 0;
}

void PciTransport::queue_used(std::uint16_t queue) {
  isr_ |= kQueueInterrupt;
  msix_.signal(queue_vectors_[queue]);
}

void PciTransport::config_changed() {
  isr_ |= kConfigInterrupt;
  msix_.signal(config_vector_);
}

Result<void> PciTransport::open_doorbells(Doorbells& doorbells) {
  for (std::uint16_t i = 0; i < controller_->queue_count(); ++i) {
    // Any length and no value to match: the address alone names the queue, and KVM has a fast
    // path for that.
    const DoorbellAddress address = {.address = bar_ + kNotify + i * kNotifyMultiplier};
    doorbells_.push_back(TRY(doorbells.open(address, controller_->kick_event(i))));
  }
  return {};
}

}  // namespace proa::vmm::virtio::pci
