// A split virtqueue, the device's side: takes descriptor chains that the driver made available,
// checks and copies them once, and gives them back used. Everything it reads is the guest's.
#pragma once

#include <cstdint>
#include <optional>

#include "vmm/memory/guest_memory.h"
#include "vmm/state/state.h"
#include "vmm/virtio/core/chain.h"

namespace proa::vmm::virtio {

// Feature bits that the queue itself knows (virtio 1.2, 6).
constexpr std::uint64_t kFeatureIndirect = std::uint64_t{1} << 28;
constexpr std::uint64_t kFeatureEventIndex = std::uint64_t{1} << 29;

// A chain has at most this many buffers, in an indirect table too, whatever the queue's size:
// Linux makes indirect tables longer than the queue where a device lets it.
constexpr std::size_t kMaxSegments = 1024;

// Where the driver says a queue is (virtio 1.2, 4.1.4.3).
struct QueueLayout {
  std::uint16_t size = 0;
  GuestAddr descriptors;
  GuestAddr driver_area;  // "available ring"
  GuestAddr device_area;  // "used ring"
};

// Owner: the device's controller. Thread: the device's worker.
class Queue {
 public:
  // Checks sizes, alignment and that all three areas are guest memory.
  //
  // Spec:   virtio 1.2, 2.7
  // Errors: guest_fault
  static Result<Queue> create(GuestMemory& memory, const QueueLayout& layout,
                              std::uint64_t features);

  // Takes the next chain, if the driver has made one available.
  //
  // Spec:   virtio 1.2, 2.7.5 to 2.7.6
  // Errors: guest_fault (index or ring out of range, loop, readable after writable, bad table)
  Result<bool> pop(Chain& chain);

  // Reads the chain that starts at `head`, into an emptied `chain`: one that was popped before.
  //
  // Errors: guest_fault, as pop
  Result<void> walk(std::uint16_t head, Chain& chain);

  // Puts the last popped chain back, to be popped again. Not after a push of that chain.
  void unpop() { --next_available_; }

  // Gives a chain back with the number of bytes written to it. The driver sees it at flush().
  Result<void> push(std::uint16_t head, std::uint32_t written);

  // Publishes what was pushed; tells whether the driver wants an interrupt for it.
  //
  // Spec: virtio 1.2, 2.7.7 and 2.7.8
  Result<bool> flush();

  // Asks the driver not to kick, while the device is looking anyhow. With event indexes that is
  // what happens when nobody asks.
  Result<void> disable_kicks();
  // Asks the driver to kick for the next chain; tells whether one came before it could see that.
  Result<bool> enable_kicks();

  // The ring indexes; the layout is the controller's to save.
  void save(StateWriter& writer) const;
  Result<void> restore(StateReader& reader);

 private:
  Queue(GuestMemory& memory, const QueueLayout& layout, std::uint64_t features)
      : memory_(&memory), layout_(layout), features_(features) {}

  // Reads a chain's part in one table; gives the indirect table that the rest of it is in.
  Result<std::optional<Segment>> walk_table(GuestAddr table, std::uint16_t size,
                                            std::uint16_t first, Chain& chain);
  Result<void> refresh_available();
  bool event_index() const { return (features_ & kFeatureEventIndex) != 0; }
  GuestAddr available_slot(std::uint16_t index) const;
  GuestAddr used_slot(std::uint16_t index) const;
  GuestAddr used_event() const;       // the driver's: interrupt me at
  GuestAddr available_event() const;  // ours: kick me at

  GuestMemory* memory_;
  QueueLayout layout_;
  std::uint64_t features_;
  std::uint16_t next_available_ = 0;             // next to pop
  std::uint16_t known_available_ = 0;            // the driver's index as last read
  std::uint16_t next_used_ = 0;                  // where the next push goes
  std::uint16_t published_used_ = 0;             // what the driver has been shown
  std::optional<std::uint16_t> announced_used_;  // when it was last interrupted or spared
};

}  // namespace proa::vmm::virtio
