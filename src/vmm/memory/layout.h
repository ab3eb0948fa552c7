// Where things are in the guest's physical address space. Pure: every address the machine, the
// ACPI tables and the devices agree upon comes from here.
//
//   0                 RAM, up to 3 GiB
//   0x0000'c000'0000  32-bit PCI window                        256 MiB
//   0x0000'd000'0000  virtio-mmio, one page a device             1 MiB
//   0x0000'e000'0000  ECAM of PCI segment 0, bus 0               1 MiB
//   0x0000'fec0'0000  IOAPIC
//   0x0000'fee0'0000  local APICs
//   0x0000'feff'c000  KVM's own pages on Intel (identity map, TSS)
//   0x0001'0000'0000  the rest of RAM, up to 1 TiB in all
//   then, at the next 1 GiB: persistent memory, and at the next: 64-bit PCI window
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "vmm/memory/guest_addr.h"

namespace proa::vmm {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kGiB = 1024 * kMiB;
constexpr std::uint64_t kTiB = 1024 * kGiB;

constexpr std::uint64_t kPageSize = 4 * kKiB;
constexpr std::uint64_t kHugePageSize = 2 * kMiB;

constexpr GuestRange kPciWindow32{{0xc000'0000}, 256 * kMiB};
constexpr GuestRange kVirtioMmioWindow{{0xd000'0000}, kMiB};
constexpr std::uint64_t kVirtioMmioStride = kPageSize;
constexpr GuestRange kPciEcam{{0xe000'0000}, kMiB};
constexpr GuestRange kIoApic{{0xfec0'0000}, kPageSize};
constexpr GuestRange kLocalApic{{0xfee0'0000}, kPageSize};
constexpr GuestAddr kKvmIdentityMap{0xfeff'c000};
constexpr GuestAddr kKvmTss{0xfeff'd000};
constexpr GuestAddr kLowMemoryEnd{0xc000'0000};
constexpr GuestAddr kHighMemoryStart{0x1'0000'0000};
// Persistent memory of all devices together gets this much of the address space at most.
constexpr std::uint64_t kPmemWindowSize = 64 * kGiB;
constexpr std::uint64_t kPciWindow64Size = 32 * kGiB;

constexpr std::uint64_t kMinMemory = 2 * kMiB;
constexpr std::uint64_t kMaxMemory = kTiB;

// The ranges that depend on how much RAM there is.
struct MemoryLayout {
  // One or two ranges, ascending; together the guest's RAM.
  std::vector<GuestRange> ram;
  GuestRange pmem_window;
  GuestRange pci_window64;
  bool operator==(const MemoryLayout&) const = default;
};

// Lays out `size` bytes of RAM.
//
// Shape:  `size` from kMinMemory to kMaxMemory, a multiple of 2 MiB
// Errors: invalid_argument
Result<MemoryLayout> plan_memory(std::uint64_t size);

}  // namespace proa::vmm
