// What sits at guest addresses: devices answer the reads and writes that leave KVM, the bus finds
// them. One bus serves memory-mapped I/O, another the 64 Ki ports. Windows never move once the
// guest runs: what a guest may move (PCI BARs) is looked up inside the one window that holds them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "vmm/memory/guest_addr.h"

namespace proa::vmm {

// A device's register window. Thread: called by every vCPU thread, also at the same time; the
// device locks what it must.
class BusDevice {
 public:
  virtual ~BusDevice() = default;

  // Answers a read of 1 to 8 bytes (`into` is zeroed before) at `offset` from the window's start;
  // the access lies wholly inside. Writes likewise. Numbers are little-endian.
  //
  // Errors: guest_fault stops the VM with that reason. A register that does not exist is no
  //         error: it reads as zeros and ignores writes.
  virtual Result<void> read(std::uint64_t offset, MutableByteSpan into) = 0;
  virtual Result<void> write(std::uint64_t offset, ByteSpan from) = 0;
};

// Owner: the machine; devices are borrowed and outlive the bus.
// Thread: add before the first vCPU runs; read and write from any number of threads.
class Bus {
 public:
  // Errors: already_exists (the range overlaps another), invalid_argument (empty, or wraps)
  Result<void> add(GuestRange range, BusDevice& device);

  // Hands an access to the device that holds all of it. An address where nothing is reads as
  // all ones and ignores writes, as on hardware.
  Result<void> read(GuestAddr address, MutableByteSpan into) const;
  Result<void> write(GuestAddr address, ByteSpan from) const;

 private:
  struct Place {
    GuestRange range;
    BusDevice* device;
  };
  const Place* find(GuestAddr address, std::uint64_t length) const;

  std::vector<Place> places_;  // ascending
};

}  // namespace proa::vmm
