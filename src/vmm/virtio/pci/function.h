// A function on the flat PCI bus: 256 bytes of configuration space of which the guest may change
// some bits. Extended configuration space is there and empty.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace proa::vmm::virtio::pci {

constexpr std::uint64_t kConfigSize = 256;

// The bytes, and which bits of them the guest may write. Thread: its owner's lock.
class ConfigSpace {
 public:
  template <std::unsigned_integral Number>
  void set(std::uint64_t offset, Number value) {
    for (std::size_t i = 0; i < sizeof value; ++i) {
      bytes_[offset + i] = static_cast<std::byte>(value >> (8 * i));
    }
  }
  template <std::unsigned_integral Number>
  void allow(std::uint64_t offset, Number mask) {
    for (std::size_t i = 0; i < sizeof mask; ++i) {
      writable_[offset + i] = static_cast<std::byte>(mask >> (8 * i));
    }
  }
  template <std::unsigned_integral Number>
  Number get(std::uint64_t offset) const {
    Number value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) {
      value = static_cast<Number>(value | static_cast<Number>(bytes_[offset + i]) << (8 * i));
    }
    return value;
  }
  // The guest's accesses; beyond the end nothing is there.
  void read(std::uint64_t offset, MutableByteSpan into) const;
  void write(std::uint64_t offset, ByteSpan from);
  // The bytes that a snapshot keeps; taking them back changes what the guest may write alone.
  ByteSpan bytes() const { return bytes_; }
  void take_back(ByteSpan saved) { write(0, saved); }

 private:
  std::array<std::byte, kConfigSize> bytes_ = {};
  std::array<std::byte, kConfigSize> writable_ = {};
};

// Thread: every vCPU, also at the same time.
class Function {
 public:
  virtual ~Function() = default;
  virtual void read_config(std::uint64_t offset, MutableByteSpan into) = 0;
  virtual void write_config(std::uint64_t offset, ByteSpan from) = 0;
};

}  // namespace proa::vmm::virtio::pci
