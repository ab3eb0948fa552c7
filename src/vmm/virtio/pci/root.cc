#include "vmm/virtio/pci/root.h"

#include <algorithm>

#include "vmm/virtio/core/device.h"

namespace proa::vmm::virtio::pci {
namespace {

constexpr std::uint16_t kStateVersion = 1;
// Red Hat's number for a host bridge that needs no driver.
constexpr std::uint32_t kBridgeId = 0x0008'1b36;
constexpr std::uint32_t kBridgeClass = 0x0600'0000;

constexpr std::uint64_t kFunctionShift = 12;  // ECAM: 4 KiB a function
constexpr std::uint64_t kData = 4;            // CFC, from CF8
constexpr std::uint32_t kAddressEnable = 0x8000'0000;
constexpr std::uint32_t kAddressWritable = 0x80ff'fffc;

}  // namespace

Root::HostBridge::HostBridge() {
  config_.set(0, kBridgeId);
  config_.set(8, kBridgeClass);
}

void Root::HostBridge::read_config(std::uint64_t offset, MutableByteSpan into) {
  config_.read(offset, into);
}

void Root::HostBridge::write_config(std::uint64_t /*offset*/, ByteSpan /*from*/) {}

Root::Root() { functions_[0] = &bridge_; }

Result<std::uint8_t> Root::add(Function& function) {
  const auto free = std::ranges::find(functions_, nullptr);
  if (free == functions_.end()) return fail(ErrorKind::exhausted, "the PCI bus is full");
  *free = &function;
  return static_cast<std::uint8_t>(free - functions_.begin());
}

Function* Root::find(std::uint64_t slot_and_function) const {
  constexpr std::uint64_t kFunctionsPerSlot = 8;
  if (slot_and_function % kFunctionsPerSlot != 0) return nullptr;
  const std::uint64_t slot = slot_and_function / kFunctionsPerSlot;
  return slot < functions_.size() ? functions_[slot] : nullptr;
}

Result<void> Root::Ecam::read(std::uint64_t offset, MutableByteSpan into) {
  Function* const function = root_.find(offset >> kFunctionShift);
  if (function == nullptr) {
    std::ranges::fill(into, std::byte{0xff});
  } else {
    function->read_config(offset % (1 << kFunctionShift), into);
  }
  return {};
}

Result<void> Root::Ecam::write(std::uint64_t offset, ByteSpan from) {
  Function* const function = root_.find(offset >> kFunctionShift);
  if (function != nullptr) function->write_config(offset % (1 << kFunctionShift), from);
  return {};
}

Result<void> Root::Ports::read(std::uint64_t offset, MutableByteSpan into) {
  const std::lock_guard lock(root_.mutex_);
  if (offset < kData) {
    read_config_bytes(bytes_of(Le32(root_.address_)), offset, into);
    return {};
  }
  // Bits 16 to 23 name the bus; there is one, number 0.
  const std::uint32_t address = root_.address_;
  Function* const function = (address & kAddressEnable) != 0 && ((address >> 16) & 0xff) == 0
                                 ? root_.find((address >> 8) & 0xff)
                                 : nullptr;
  if (function == nullptr) {
    std::ranges::fill(into, std::byte{0xff});
  } else {
    function->read_config((address & 0xfc) + (offset - kData), into);
  }
  return {};
}

Result<void> Root::Ports::write(std::uint64_t offset, ByteSpan from) {
  const std::lock_guard lock(root_.mutex_);
  if (offset < kData) {
    if (offset == 0 && from.size() == sizeof(Le32)) {
      root_.address_ = copy_from<Le32>(from) & kAddressWritable;
    }
    return {};
  }
  const std::uint32_t address = root_.address_;
  if ((address & kAddressEnable) == 0 || ((address >> 16) & 0xff) != 0) return {};
  Function* const function = root_.find((address >> 8) & 0xff);
  if (function != nullptr) function->write_config((address & 0xfc) + (offset - kData), from);
  return {};
}

Result<void> Root::save(StateWriter& writer) const {
  const std::lock_guard lock(mutex_);
  writer.section("pci-root", kStateVersion);
  writer.number(address_);
  return {};
}

Result<void> Root::restore(StateReader& reader) {
  const std::lock_guard lock(mutex_);
  TRY(reader.section("pci-root", kStateVersion));
  address_ = TRY(reader.number<std::uint32_t>()) & kAddressWritable;
  return {};
}

}  // namespace proa::vmm::virtio::pci
