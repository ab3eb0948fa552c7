// The block device (virtio 1.2, 5.2): one queue, requests carried out by io_uring straight between
// the file and guest memory. A kick costs one submission for all that waits, however much it is.
// Where the host's disk has no room for a write, the device waits and tries again each second: the
// guest's file system would not survive the error, and room may come.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel/uring/uring.h"
#include "vmm/virtio/block/config.h"
#include "vmm/virtio/block/disk.h"
#include "vmm/virtio/core/device.h"

namespace proa::vmm::virtio::block {

// Owner: its controller. Thread: as Device says.
class BlockDevice final : public Device {
 public:
  // `id` is what the guest sees as the serial number; cut after 20 bytes.
  static Result<std::unique_ptr<BlockDevice>> create(Disk disk, std::string id);

  DeviceType type() const override { return DeviceType::block; }
  std::string_view name() const override { return "block"; }
  std::uint64_t features() const override;
  std::vector<std::uint16_t> queue_sizes() const override;
  void read_config(std::uint64_t offset, MutableByteSpan into) const override;

  Result<void> activate(const Activation& activation) override;
  Result<void> process(std::uint16_t queue) override;
  Result<void> quiesce() override;
  void reset() override;

  Result<void> save(StateWriter& writer) const override;
  Result<void> restore(StateReader& reader) override;

 private:
  // A request under way. Its vectors keep their room.
  struct Request {
    Chain chain;
    std::vector<iovec> buffers;           // of all operations, one behind the other
    std::vector<std::uint64_t> expected;  // bytes each operation must give, by its number
    RequestType type = RequestType::read;
    Segment status_byte;
    RequestStatus status = RequestStatus::ok;
    std::uint64_t written = 0;  // to the guest, without the status
    std::uint64_t stored = 0;   // bytes of a write that earlier tries have brought to the disk
    std::size_t outstanding = 0;
    bool lacks_room = false;
  };

  BlockDevice(Disk disk, std::string id, uring::Uring uring);

  // Takes what the driver offers, submits it, gives back what is done.
  Result<void> serve();
  bool takes_requests() const { return waiting_.empty() && !free_.empty(); }
  Result<bool> take_request();
  // Reads a request and queues its operations; finishes it where there are none.
  Result<void> start(std::size_t slot);
  Result<void> begin(std::size_t slot);
  Result<void> transfer(std::size_t slot, std::uint64_t sector, Cursor data);
  Result<void> change_ranges(std::size_t slot, Cursor data);
  Result<void> give_id(Request& request, Cursor data);
  Result<void> complete(const uring::Completion& completion);
  Result<void> finish(std::size_t slot);
  // Keeps a request until there may be room, then tries again.
  Result<void> wait_for_room(std::size_t slot);
  Result<void> set_alarm();
  Result<void> try_again();
  // Takes what is done, and submits what follows from it.
  Result<void> reap();
  Result<void> restore_waiting(StateReader& reader);
  bool inside(std::uint64_t sector, std::uint64_t length) const;

  Disk disk_;
  std::string id_;
  BlockConfig config_;
  uring::Uring uring_;
  Watch completions_;
  Activation activation_;
  std::vector<Request> requests_;
  std::vector<std::size_t> free_;
  std::size_t operations_ = 0;        // in the ring, but for the alarm
  std::vector<std::size_t> waiting_;  // slots of requests that found no room
  bool alarm_ = false;                // in the ring: when it goes off, they are tried again
};

}  // namespace proa::vmm::virtio::block
