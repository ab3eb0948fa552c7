// A function's MSI-X table and pending bits (PCI 3.0, 6.8.2): the guest says which message each
// vector sends, the device says when. A signal of a masked vector stays in the route's eventfd.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "vmm/interrupt/interrupt.h"
#include "vmm/state/state.h"

namespace proa::vmm::virtio::pci {

constexpr std::uint64_t kMsixEntrySize = 16;

// Owner: the transport. Thread: any; signal never waits for a vCPU.
class Msix {
 public:
  Msix(Interrupts& interrupts, std::uint16_t vectors)
      : interrupts_(interrupts), vectors_(vectors) {}

  std::uint16_t count() const { return static_cast<std::uint16_t>(vectors_.size()); }
  bool enabled() const;
  // The enable and mask bits of the capability's control word, as the guest wrote them.
  Result<void> set_control(std::uint16_t control);

  void read_table(std::uint64_t offset, MutableByteSpan into) const;
  // Takes aligned accesses of 4 and 8 bytes, as the specification asks.
  Result<void> write_table(std::uint64_t offset, ByteSpan from);
  void read_pending(std::uint64_t offset, MutableByteSpan into) const;

  void signal(std::uint16_t vector);

  void save(StateWriter& writer) const;
  Result<void> restore(StateReader& reader);

 private:
  struct Vector {
    MsiMessage message;
    bool masked = true;
    bool live = false;     // the route delivers
    bool waiting = false;  // signalled before there was a route
    std::unique_ptr<MsiRoute> route;
  };
  // Brings the route to what table and control say.
  Result<void> update(Vector& vector);
  static bool pending(const Vector& vector);

  Interrupts& interrupts_;
  mutable std::mutex mutex_;  // guards all below
  std::vector<Vector> vectors_;
  bool enabled_ = false;
  bool all_masked_ = false;
};

}  // namespace proa::vmm::virtio::pci
