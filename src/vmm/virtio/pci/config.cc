// The transport's configuration space: identity, capabilities, the BAR and the window into it.
#include <algorithm>

#include "vmm/virtio/pci/layout.h"
#include "vmm/virtio/pci/transport.h"

namespace proa::vmm::virtio::pci {
namespace {

constexpr std::uint16_t kVendor = 0x1af4;
constexpr std::uint16_t kModernDevice = 0x1040;  // plus the virtio device type
constexpr std::uint16_t kCommandMemory = 2;
constexpr std::uint16_t kCommandMaster = 4;
constexpr std::uint16_t kCommandNoInterrupt = 0x400;
constexpr std::uint16_t kStatusCapabilities = 0x10;
constexpr std::uint64_t kBar0 = 0x10;
constexpr std::uint32_t kBarIs64Bit = 0x4;

constexpr std::uint8_t kVendorCapability = 0x09;
constexpr std::uint8_t kMsixId = 0x11;
constexpr std::uint16_t kMsixWritable = 0xc000;

enum class Part : std::uint8_t { common = 1, notify = 2, isr = 3, device = 4, window = 5 };

// Class, subclass and interface, as virtio's devices on other monitors have them.
std::uint32_t class_of(DeviceType type) {
  switch (type) {
    case DeviceType::net:
      return 0x02'0000;
    case DeviceType::block:
      return 0x01'8000;
    case DeviceType::console:
      return 0x07'8000;
    case DeviceType::fs:
      return 0x01'8000;
    case DeviceType::rng:
    case DeviceType::balloon:
    case DeviceType::pmem:
      return 0xff'0000;
  }
  return 0xff'0000;
}

struct Capability {
  std::uint64_t place;
  std::uint64_t next;
  std::uint8_t length;
  Part part;
  std::uint64_t offset;
  std::uint64_t size;
};

void put(ConfigSpace& config, const Capability& capability) {
  const std::uint64_t place = capability.place;
  config.set(place, kVendorCapability);
  config.set(place + 1, static_cast<std::uint8_t>(capability.next));
  config.set(place + 2, capability.length);
  config.set(place + 3, static_cast<std::uint8_t>(capability.part));
  config.set(place + 8, static_cast<std::uint32_t>(capability.offset));
  config.set(place + 12, static_cast<std::uint32_t>(capability.size));
}

}  // namespace

void PciTransport::lay_out_config() {
  const auto type = static_cast<std::uint16_t>(controller_->type());
  config_.set(0x00, kVendor);
  config_.set(0x02, static_cast<std::uint16_t>(kModernDevice + type));
  config_.set(0x04, kCommandMemory);
  config_.allow(0x04,
                static_cast<std::uint16_t>(kCommandMemory | kCommandMaster | kCommandNoInterrupt));
  config_.set(0x06, kStatusCapabilities);
  config_.set(0x08, (class_of(controller_->type()) << 8) | 1);  // revision 1: modern
  config_.set(kBar0, bar_.value | kBarIs64Bit);
  config_.allow(kBar0, ~(kBarSize - 1));
  config_.set(0x2c, kVendor);
  config_.set(0x2e, static_cast<std::uint16_t>(kModernDevice + type));
  config_.set(0x34, static_cast<std::uint8_t>(kMsixCapability));

  config_.set(kMsixCapability, kMsixId);
  config_.set(kMsixCapability + 1, static_cast<std::uint8_t>(kCommonCapability));
  config_.set(kMsixControl, static_cast<std::uint16_t>(msix_.count() - 1));
  config_.allow(kMsixControl, kMsixWritable);
  config_.set(kMsixCapability + 4, static_cast<std::uint32_t>(kMsixTable));
  config_.set(kMsixCapability + 8, static_cast<std::uint32_t>(kMsixPending));

  put(config_,
      {kCommonCapability, kIsrCapability, 16, Part::common, kCommon, sizeof(CommonConfig)});
  put(config_, {kIsrCapability, kDeviceCapability, 16, Part::isr, kIsr, 1});
  put(config_, {kDeviceCapability, kNotifyCapability, 16, Part::device, kDeviceConfig, kPartSize});
  put(config_, {kNotifyCapability, kWindowCapability, 20, Part::notify, kNotify,
                std::uint64_t{controller_->queue_count()} * kNotifyMultiplier});
  config_.set(kNotifyCapability + 16, kNotifyMultiplier);
  put(config_, {kWindowCapability, 0, 20, Part::window, 0, 0});
  config_.allow(kWindowCapability + 4, std::uint8_t{0xff});  // which BAR
  config_.allow(kWindowCapability + 8, ~std::uint64_t{0});   // offset and length
  config_.allow(kWindowData, ~std::uint32_t{0});
}

void PciTransport::access_window(bool write) {
  const auto bar = config_.get<std::uint8_t>(kWindowCapability + 4);
  const auto offset = config_.get<std::uint32_t>(kWindowCapability + 8);
  const auto length = config_.get<std::uint32_t>(kWindowCapability + 12);
  if (bar != 0 || (length != 1 && length != 2 && length != 4)) return;
  if (offset % length != 0 || offset > kBarSize - length) return;
  Le32 data = config_.get<std::uint32_t>(kWindowData);
  const MutableByteSpan bytes = std::as_writable_bytes(std::span<Le32, 1>(&data, 1)).first(length);
  if (write) {
    discard(write_bar(offset, bytes), "configuration space has nobody to tell");
    return;
  }
  std::ranges::fill(bytes, std::byte{0});
  discard(read_bar(offset, bytes), "configuration space has nobody to tell");
  config_.set(kWindowData, data.get());
}

void PciTransport::read_config(std::uint64_t offset, MutableByteSpan into) {
  const std::lock_guard lock(mutex_);
  if (offset >= kWindowData && offset < kWindowData + sizeof(Le32)) access_window(false);
  config_.read(offset, into);
}

void PciTransport::write_config(std::uint64_t offset, ByteSpan from) {
  const std::lock_guard lock(mutex_);
  config_.write(offset, from);
  const auto touches = [&](std::uint64_t place, std::uint64_t size) {
    return offset < place + size && place < offset + from.size();
  };
  if (touches(kMsixControl, sizeof(Le16))) {
    // A host that runs out of interrupt routes leaves the vectors masked; the driver times out.
    discard(msix_.set_control(config_.get<std::uint16_t>(kMsixControl)),
            "the guest cannot be told, and keeps running without those vectors");
  }
  if (touches(kWindowData, sizeof(Le32))) access_window(true);
}

}  // namespace proa::vmm::virtio::pci
