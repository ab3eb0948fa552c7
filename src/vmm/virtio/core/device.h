// What every virtio device is to the core: facts the driver reads, and a life that begins when the
// driver says DRIVER_OK and ends with a reset. Devices know neither transport nor interrupts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "vmm/memory/guest_memory.h"
#include "vmm/state/state.h"
#include "vmm/virtio/core/queue.h"
#include "vmm/virtio/core/worker.h"

namespace proa::vmm::virtio {

// virtio 1.2, 5
enum class DeviceType : std::uint16_t {
  net = 1,
  block = 2,
  console = 3,
  rng = 4,
  balloon = 5,
  fs = 26,
  pmem = 27,
};

// What a running device asks of the core. Thread: the device's worker.
class DeviceHost {
 public:
  virtual ~DeviceHost() = default;
  // The driver is to look at the used ring.
  virtual void interrupt(std::uint16_t queue) = 0;
  // The driver is to read the configuration again.
  virtual void config_changed() = 0;
  // The host's disk is full: the device waits, and tries again until there is room.
  virtual void lacks_room() = 0;
  // The device cannot go on: the driver sees DEVICE_NEEDS_RESET, the machine sees why. The device
  // is reset once the current handler has returned.
  virtual void fail(Error error) = 0;
};

// What a device gets with DRIVER_OK, valid until its reset. Everything is the controller's.
struct Activation {
  std::uint64_t features = 0;  // as negotiated
  GuestMemory* memory = nullptr;
  Worker* worker = nullptr;
  DeviceHost* host = nullptr;
  std::span<std::optional<Queue>> queues;  // nothing where the driver left a queue disabled
  std::span<const QueueLayout> layouts;    // for devices that another process serves
  std::span<const event::EventFd> kicks;   // likewise

  bool has(std::uint64_t feature) const { return (features & feature) != 0; }
};

// Who takes buffers from the queues: the worker through Device::process, or another process.
enum class ServedBy : std::uint8_t { worker, peer };

// Owner: its controller. Thread: the worker's, but for the functions marked "any".
class Device : public Stateful {
 public:
  // Facts that never change. Thread: any.
  virtual DeviceType type() const = 0;
  virtual std::string_view name() const = 0;
  // What it offers of its own; the core adds the queue's and the transport's features.
  virtual std::uint64_t features() const = 0;
  // The largest size of each queue, a power of two.
  virtual std::vector<std::uint16_t> queue_sizes() const = 0;
  virtual ServedBy served_by() const { return ServedBy::worker; }

  // The device-specific configuration; `into` is zeroed, and reads as zero where there is none.
  // Thread: any.
  virtual void read_config(std::uint64_t offset, MutableByteSpan into) const = 0;
  // Writes to what is not writable are ignored. Thread: any.
  virtual void write_config(std::uint64_t offset, ByteSpan from);

  // Begins to serve.
  virtual Result<void> activate(const Activation& activation) = 0;
  // Serves a queue that the driver has kicked.
  //
  // Errors: guest_fault, and whatever else stops the device
  virtual Result<void> process(std::uint16_t queue) = 0;
  // Ends all work in flight and gives its buffers back used, or keeps in its state what cannot end.
  virtual Result<void> quiesce() = 0;
  // Stops: touches neither guest memory nor queues from here on. Also before any activation.
  virtual void reset() = 0;
};

// Copies the part of `config` that an access of `into.size()` bytes at `offset` covers.
void read_config_bytes(ByteSpan config, std::uint64_t offset, MutableByteSpan into);

// Serves every chain of a queue with `serve`, which gets the chain and gives the number of bytes
// it wrote; interrupts once for all of them. Kicks are off meanwhile.
//
// Errors: guest_fault, and what `serve` gives
template <typename Serve>
Result<void> serve_all(Queue& queue, DeviceHost& host, std::uint16_t index, Chain& chain,
                       Serve serve) {
  do {
    TRY(queue.disable_kicks());
    while (TRY(queue.pop(chain))) {
      const std::uint32_t written = TRY(serve(chain));
      TRY(queue.push(chain.head, written));
    }
    if (TRY(queue.flush())) host.interrupt(index);
  } while (TRY(queue.enable_kicks()));
  return {};
}

}  // namespace proa::vmm::virtio
