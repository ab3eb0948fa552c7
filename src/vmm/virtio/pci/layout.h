// The registers and capabilities of virtio over PCI as they lie in configuration space and BAR.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace proa::vmm::virtio::pci {

// Where the parts are in the BAR.
constexpr std::uint64_t kCommon = 0x0000;
constexpr std::uint64_t kIsr = 0x1000;
constexpr std::uint64_t kDeviceConfig = 0x2000;
constexpr std::uint64_t kNotify = 0x3000;
constexpr std::uint64_t kMsixTable = 0x4000;
constexpr std::uint64_t kMsixPending = 0x5000;
constexpr std::uint64_t kPartSize = 0x1000;
constexpr std::uint32_t kNotifyMultiplier = 4;

// Where the capabilities are in configuration space.
constexpr std::uint64_t kMsixCapability = 0x40;
constexpr std::uint64_t kMsixControl = kMsixCapability + 2;
constexpr std::uint64_t kCommonCapability = 0x4c;
constexpr std::uint64_t kIsrCapability = 0x5c;
constexpr std::uint64_t kDeviceCapability = 0x6c;
constexpr std::uint64_t kNotifyCapability = 0x7c;
constexpr std::uint64_t kWindowCapability = 0x90;
constexpr std::uint64_t kWindowData = kWindowCapability + 16;

// virtio 1.2, 4.1.4.3
struct CommonConfig {
  Le32 device_feature_select;
  Le32 device_feature;
  Le32 driver_feature_select;
  Le32 driver_feature;
  Le16 config_msix_vector;
  Le16 num_queues;
  std::uint8_t device_status = 0;
  std::uint8_t config_generation = 0;
  Le16 queue_select;
  Le16 queue_size;
  Le16 queue_msix_vector;
  Le16 queue_enable;
  Le16 queue_notify_off;
  Le64 queue_desc;
  Le64 queue_driver;
  Le64 queue_device;
};
static_assert(sizeof(CommonConfig) == 56 && offsetof(CommonConfig, queue_select) == 22 &&
              offsetof(CommonConfig, queue_desc) == 32);

constexpr std::uint16_t kNoVector = 0xffff;

}  // namespace proa::vmm::virtio::pci
