#include "vmm/virtio/mmio/transport.h"

#include <utility>

namespace proa::vmm::virtio::mmio {
namespace {

// virtio 1.2, 4.2.2
enum Register : std::uint64_t {
  kMagic = 0x000,
  kVersion = 0x004,
  kDeviceId = 0x008,
  kVendorId = 0x00c,
  kDeviceFeatures = 0x010,
  kDeviceFeaturesSelect = 0x014,
  kDriverFeatures = 0x020,
  kDriverFeaturesSelect = 0x024,
  kQueueSelect = 0x030,
  kQueueSizeMax = 0x034,
  kQueueSize = 0x038,
  kQueueReady = 0x044,
  kQueueNotify = 0x050,
  kInterruptStatus = 0x060,
  kInterruptAcknowledge = 0x064,
  kStatus = 0x070,
  kDescriptorsLow = 0x080,
  kDescriptorsHigh = 0x084,
  kDriverAreaLow = 0x090,
  kDriverAreaHigh = 0x094,
  kDeviceAreaLow = 0x0a0,
  kDeviceAreaHigh = 0x0a4,
  kSharedMemoryLengthLow = 0x0b0,
  kSharedMemoryBaseHigh = 0x0bc,
  kConfigGeneration = 0x0fc,
  kConfig = 0x100,
};

constexpr std::uint32_t kMagicValue = 0x7472'6976;  // "virt"
constexpr std::uint32_t kModern = 2;
constexpr std::uint32_t kVendor = 0x616f'7270;  // "proa"
constexpr std::uint32_t kNoSharedMemory = 0xffff'ffff;

constexpr std::uint32_t kQueueInterrupt = 1;
constexpr std::uint32_t kConfigInterrupt = 2;

constexpr std::uint16_t kStateVersion = 1;

void set_low(GuestAddr& address, std::uint32_t value) {
  address.value = (address.value & 0xffff'ffff'0000'0000) | value;
}

void set_high(GuestAddr& address, std::uint32_t value) {
  address.value = (address.value & 0xffff'ffff) | (std::uint64_t{value} << 32);
}

}  // namespace

MmioTransport::MmioTransport(std::unique_ptr<Controller> controller, InterruptLine& line,
                             GuestAddr base)
    : controller_(std::move(controller)), line_(line), base_(base) {
  controller_->connect(*this);
}

Result<void> MmioTransport::read(std::uint64_t offset, MutableByteSpan into) {
  const std::lock_guard lock(mutex_);
  if (offset >= kConfig) {
    controller_->read_config(offset - kConfig, into);
    return {};
  }
  // The specification has registers read and written whole; anything else is not one.
  if (into.size() != sizeof(Le32) || offset % sizeof(Le32) != 0) return {};
  const Le32 value = read_register(offset);
  std::memcpy(into.data(), &value, sizeof value);
  return {};
}

Result<void> MmioTransport::write(std::uint64_t offset, ByteSpan from) {
  const std::lock_guard lock(mutex_);
  if (offset >= kConfig) {
    controller_->write_config(offset - kConfig, from);
    return {};
  }
  if (from.size() != sizeof(Le32) || offset % sizeof(Le32) != 0) return {};
  write_register(offset, copy_from<Le32>(from));
  return {};
}

std::uint32_t MmioTransport::read_register(std::uint64_t offset) const {
  const auto queue = static_cast<std::uint16_t>(selected_queue_);
  switch (offset) {
    case kMagic:
      return kMagicValue;
    case kVersion:
      return kModern;
    case kDeviceId:
      return static_cast<std::uint32_t>(controller_->type());
    case kVendorId:
      return kVendor;
    case kDeviceFeatures:
      return controller_->device_features(device_features_page_);
    case kQueueSizeMax:
      return selected_queue_ < controller_->queue_count() ? controller_->max_queue_size(queue) : 0;
    case kQueueReady:
      return selected_queue_ < controller_->queue_count() && controller_->queue_enabled(queue);
    case kInterruptStatus:
      return interrupt_status_;
    case kStatus:
      return controller_->status();
    case kConfigGeneration:
      return controller_->config_generation();
    default:
      if (offset >= kSharedMemoryLengthLow && offset <= kSharedMemoryBaseHigh) {
        return kNoSharedMemory;
      }
      return 0;
  }
}

void MmioTransport::write_register(std::uint64_t offset, std::uint32_t value) {
  switch (offset) {
    case kDeviceFeaturesSelect:
      device_features_page_ = value;
      return;
    case kDriverFeaturesSelect:
      driver_features_page_ = value;
      return;
    case kDriverFeatures:
      controller_->set_driver_features(driver_features_page_, value);
      return;
    case kQueueSelect:
      selected_queue_ = value;
      return;
    case kQueueNotify:
      if (value < controller_->queue_count()) controller_->kick(static_cast<std::uint16_t>(value));
      return;
    case kInterruptAcknowledge:
      interrupt_status_ &= ~value;
      return;
    case kStatus:
      controller_->set_status(static_cast<std::uint8_t>(value));
      if (controller_->status() == 0) interrupt_status_ = 0;
      return;
    default:
      if (selected_queue_ < controller_->queue_count()) write_queue_register(offset, value);
  }
}

void MmioTransport::write_queue_register(std::uint64_t offset, std::uint32_t value) {
  const auto queue = static_cast<std::uint16_t>(selected_queue_);
  QueueLayout layout = controller_->queue_layout(queue);
  switch (offset) {
    case kQueueReady:
      controller_->enable_queue(queue, value == 1);
      return;
    case kQueueSize:
      // A size that does not fit becomes 0, which no queue can start with.
      layout.size = value <= 0xffff ? static_cast<std::uint16_t>(value) : std::uint16_t{0};
      break;
    case kDescriptorsLow:
      set_low(layout.descriptors, value);
      break;
    case kDescriptorsHigh:
      set_high(layout.descriptors, value);
      break;
    case kDriverAreaLow:
      set_low(layout.driver_area, value);
      break;
    case kDriverAreaHigh:
      set_high(layout.driver_area, value);
      break;
    case kDeviceAreaLow:
      set_low(layout.device_area, value);
      break;
    case kDeviceAreaHigh:
      set_high(layout.device_area, value);
      break;
    default:
      return;
  }
  controller_->set_queue_layout(queue, layout);
}

void MmioTransport::raise(std::uint32_t cause) {
  interrupt_status_ |= cause;
  line_.pulse();
}

void MmioTransport::queue_used(std::uint16_t /*queue*/) { raise(kQueueInterrupt); }

void MmioTransport::config_changed() { raise(kConfigInterrupt); }

Result<void> MmioTransport::open_doorbells(Doorbells& doorbells) {
  for (std::uint16_t i = 0; i < controller_->queue_count(); ++i) {
    const DoorbellAddress address = {
        .address = base_ + kQueueNotify, .length = sizeof(Le32), .match = i};
    doorbells_.push_back(TRY(doorbells.open(address, controller_->kick_event(i))));
  }
  return {};
}

Result<void> MmioTransport::save(StateWriter& writer) const {
  writer.section("virtio-mmio", kStateVersion);
  writer.number(interrupt_status_.load());
  writer.number(device_features_page_);
  writer.number(driver_features_page_);
  writer.number(selected_queue_);
  return controller_->save(writer);
}

Result<void> MmioTransport::restore(StateReader& reader) {
  TRY(reader.section("virtio-mmio", kStateVersion));
  const auto status = TRY(reader.number<std::uint32_t>());
  if ((status & ~(kQueueInterrupt | kConfigInterrupt)) != 0) {
    return reader.fault("interrupt status ", status);
  }
  device_features_page_ = TRY(reader.number<std::uint32_t>());
  driver_features_page_ = TRY(reader.number<std::uint32_t>());
  selected_queue_ = TRY(reader.number<std::uint32_t>());
  TRY(controller_->restore(reader));
  interrupt_status_ |= status;
  // An edge under way when the state was saved is gone; one too many is harmless.
  if (status != 0) line_.pulse();
  return {};
}

}  // namespace proa::vmm::virtio::mmio
