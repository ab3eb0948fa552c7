#include "vmm/virtio/block/device.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

namespace proa::vmm::virtio::block {
namespace {

constexpr std::uint16_t kQueueSize = 256;
// Two descriptors of a chain are header and status.
constexpr std::uint32_t kSegmentMax = kQueueSize - 2;
constexpr std::uint32_t kMaxRangeSectors = 1U << 22;  // 2 GiB
constexpr std::uint64_t kAlarm = ~std::uint64_t{0};   // no slot's token
constexpr std::chrono::seconds kRoomRetry{1};

BlockConfig make_config(const Disk& disk) {
  BlockConfig config;
  config.capacity = disk.size() / kSectorSize;
  config.segment_max = kSegmentMax;
  config.block_size = kSectorSize;
  config.queues = 1;
  if (disk.access() == Access::writable) {
    config.max_discard_sectors = kMaxRangeSectors;
    config.max_discard_segments = 16;
    config.discard_sector_alignment = 8;
    config.max_write_zeroes_sectors = kMaxRangeSectors;
    config.max_write_zeroes_segments = 16;
    config.write_zeroes_may_unmap = 1;
  }
  return config;
}

}  // namespace

Result<std::unique_ptr<BlockDevice>> BlockDevice::create(Disk disk, std::string id) {
  uring::Uring uring = TRY(uring::Uring::create(kQueueSize));
  return std::unique_ptr<BlockDevice>(
      new BlockDevice(std::move(disk), std::move(id), std::move(uring)));
}

BlockDevice::BlockDevice(Disk disk, std::string id, uring::Uring uring)
    : disk_(std::move(disk)),
      id_(std::move(id)),
      config_(make_config(disk_)),
      uring_(std::move(uring)),
      requests_(kQueueSize) {
  id_.resize(kIdSize);
  for (std::size_t i = 0; i < requests_.size(); ++i) free_.push_back(i);
}

std::uint64_t BlockDevice::features() const {
  const std::uint64_t common = kFeatureSegmentMax | kFeatureBlockSize | kFeatureFlush;
  if (disk_.access() == Access::read_only) return common | kFeatureReadOnly;
  return common | kFeatureDiscard | kFeatureWriteZeroes;
}

std::vector<std::uint16_t> BlockDevice::queue_sizes() const { return {kQueueSize}; }

void BlockDevice::read_config(std::uint64_t offset, MutableByteSpan into) const {
  read_config_bytes(bytes_of(config_), offset, into);
}

Result<void> BlockDevice::activate(const Activation& activation) {
  activation_ = activation;
  completions_ = TRY(activation.worker->watch(uring_.fd(), {.readable = true}, [this](auto) {
    const Result<void> served = serve();
    if (!served.ok()) activation_.host->fail(served.error());
  }));
  return {};
}

Result<void> BlockDevice::process(std::uint16_t /*queue*/) { return serve(); }

Result<void> BlockDevice::serve() {
  if (!activation_.queues[0].has_value()) return reap();
  Queue& queue = *activation_.queues[0];
  do {
    TRY(queue.disable_kicks());
    while (takes_requests() && TRY(take_request())) {
    }
    TRY(uring_.submit());
    TRY(reap());
    if (TRY(queue.flush())) activation_.host->interrupt(0);
    // Without a free slot the next completion brings us back here, without room the alarm.
  } while (takes_requests() && TRY(queue.enable_kicks()));
  return {};
}

Result<bool> BlockDevice::take_request() {
  const std::size_t slot = free_.back();
  if (!TRY(activation_.queues[0]->pop(requests_[slot].chain))) return false;
  free_.pop_back();
  requests_[slot].stored = 0;
  TRY(start(slot));
  return true;
}

Result<void> BlockDevice::start(std::size_t slot) {
  TRY(begin(slot));
  return requests_[slot].outstanding == 0 ? finish(slot) : Result<void>();
}

Result<void> BlockDevice::begin(std::size_t slot) {
  Request& request = requests_[slot];
  request.buffers.clear();
  request.expected.clear();
  request.status = RequestStatus::ok;
  request.written = 0;
  request.lacks_room = false;
  Cursor readable = Cursor::readable(request.chain);
  const auto header = TRY(readable.read_object<RequestHeader>(*activation_.memory));
  if (request.chain.writable_length == 0) {
    return fail(ErrorKind::guest_fault, "a request without room for its status");
  }
  // The last writable byte is the status; what lies before it is data.
  const auto last = std::find_if(request.chain.writable.rbegin(), request.chain.writable.rend(),
                                 [](const Segment& segment) { return segment.length != 0; });
  request.status_byte = {last->address + (last->length - 1), 1};
  const Cursor writable(request.chain.writable, request.chain.writable_length - 1);
  request.type = static_cast<RequestType>(header.type.get());
  switch (request.type) {
    case RequestType::read:
      return transfer(slot, header.sector, writable);
    case RequestType::write:
      return transfer(slot, header.sector, readable);
    case RequestType::flush:
      if (disk_.access() == Access::read_only) return {};
      TRY(uring_.sync_data(disk_.piece(0, kSectorSize).file, slot << 32));
      request.expected.push_back(0);
      ++request.outstanding;
      ++operations_;
      return {};
    case RequestType::get_id:
      return give_id(request, writable);
    case RequestType::discard:
    case RequestType::write_zeroes:
      return change_ranges(slot, readable);
  }
  request.status = RequestStatus::unsupported;
  return {};
}

bool BlockDevice::inside(std::uint64_t sector, std::uint64_t length) const {
  const std::uint64_t capacity = disk_.size() / kSectorSize;
  return length % kSectorSize == 0 && sector <= capacity &&
         length / kSectorSize <= capacity - sector;
}

Result<void> BlockDevice::transfer(std::size_t slot, std::uint64_t sector, Cursor data) {
  Request& request = requests_[slot];
  const bool reads = request.type == RequestType::read;
  if (!inside(sector, data.remaining()) || (!reads && disk_.access() == Access::read_only)) {
    request.status = RequestStatus::io_error;
    return {};
  }
  // The buffers of all operations share one vector, which must not move once the first is queued:
  // each boundary between extents splits one segment at most.
  request.buffers.reserve(request.chain.readable.size() + request.chain.writable.size() +
                          disk_.extent_count());
  const std::uint64_t stored = reads ? 0 : request.stored;
  TRY(data.skip(stored));
  std::uint64_t offset = sector * kSectorSize + stored;
  while (data.remaining() != 0) {
    const Disk::Piece piece = disk_.piece(offset, data.remaining());
    const std::size_t first = request.buffers.size();
    TRY(data.gather(*activation_.memory, piece.length, request.buffers));
    const auto buffers = std::span<const iovec>(request.buffers).subspan(first);
    const std::uint64_t token = (slot << 32) | request.expected.size();
    TRY(reads ? uring_.read(piece.file, buffers, piece.offset, token)
              : uring_.write(piece.file, buffers, piece.offset, token));
    request.expected.push_back(piece.length);
    ++request.outstanding;
    ++operations_;
    if (reads) request.written += piece.length;
    offset += piece.length;
  }
  return {};
}

Result<void> BlockDevice::give_id(Request& request, Cursor data) {
  const auto length = std::min<std::uint64_t>(data.remaining(), kIdSize);
  TRY(data.write(*activation_.memory, bytes_of(id_).first(length)));
  request.written = length;
  return {};
}

Result<void> BlockDevice::complete(const uring::Completion& completion) {
  if (completion.token == kAlarm) return try_again();
  const auto slot = static_cast<std::size_t>(completion.token >> 32);
  Request& request = requests_[slot];
  const auto expected = static_cast<std::int64_t>(request.expected[completion.token & 0xffff'ffff]);
  // A writable disk is one file, so a write is one operation. The kernel itself goes on after a
  // short transfer of a regular file: what is wrong with the rest of a write, trying it will say;
  // what is short when reading has met the end of the file.
  const bool writes = request.type == RequestType::write;
  const bool goes_on = writes && completion.result > 0 && completion.result < expected;
  if (goes_on) {
    request.stored += static_cast<std::uint64_t>(completion.result);
  } else if (completion.result == -EOPNOTSUPP) {
    request.status = RequestStatus::unsupported;
  } else if (completion.result == -ENOSPC && request.type != RequestType::flush) {
    // Not of a flush: what could not be flushed is lost, and a second one would not say so.
    request.lacks_room = true;
  } else if (completion.result < expected) {
    request.status = RequestStatus::io_error;
  }
  --operations_;
  if (--request.outstanding != 0) return {};
  if (goes_on) return start(slot);
  if (request.lacks_room && request.status == RequestStatus::ok) return wait_for_room(slot);
  return finish(slot);
}

Result<void> BlockDevice::wait_for_room(std::size_t slot) {
  waiting_.push_back(slot);
  if (alarm_) return {};
  activation_.host->lacks_room();
  return set_alarm();
}

Result<void> BlockDevice::set_alarm() {
  if (std::exchange(alarm_, true)) return {};
  return uring_.after(kRoomRetry, kAlarm);
}

Result<void> BlockDevice::try_again() {
  alarm_ = false;
  for (const std::size_t slot : std::exchange(waiting_, {})) TRY(start(slot));
  return {};
}

Result<void> BlockDevice::finish(std::size_t slot) {
  Request& request = requests_[slot];
  free_.push_back(slot);
  const auto written = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(request.written + 1, request.chain.writable_length));
  TRY(activation_.memory->write_object(request.status_byte.address, request.status));
  return activation_.queues[0]->push(request.chain.head, written);
}

Result<void> BlockDevice::reap() {
  while (const auto completion = uring_.take()) TRY(complete(*completion));
  return uring_.submit();
}

Result<void> BlockDevice::quiesce() {
  TRY(uring_.submit());
  while (operations_ != 0) {
    TRY(uring_.wait());
    TRY(reap());
  }
  if (activation_.queues[0].has_value() && TRY(activation_.queues[0]->flush())) {
    activation_.host->interrupt(0);
  }
  return {};
}

void BlockDevice::reset() {
  completions_.reset();
  // What the kernel has been given it carries out; guest memory is its until then.
  CHECK(uring_.submit().ok());
  while (operations_ != 0) {
    CHECK(uring_.wait().ok());
    while (const auto completion = uring_.take()) {
      if (completion->token == kAlarm) {
        alarm_ = false;
      } else {
        --operations_;
      }
    }
  }
  waiting_.clear();
  free_.clear();
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    requests_[i].outstanding = 0;
    free_.push_back(i);
  }
  activation_ = {};
}

}  // namespace proa::vmm::virtio::block
