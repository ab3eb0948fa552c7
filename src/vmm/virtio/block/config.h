// The block device's layouts: configuration and requests (virtio 1.2, 5.2.4 and 5.2.6).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace proa::vmm::virtio::block {

constexpr std::uint64_t kSectorSize = 512;

constexpr std::uint64_t kFeatureSegmentMax = 1U << 2;
constexpr std::uint64_t kFeatureReadOnly = 1U << 5;
constexpr std::uint64_t kFeatureBlockSize = 1U << 6;
constexpr std::uint64_t kFeatureFlush = 1U << 9;
constexpr std::uint64_t kFeatureDiscard = 1U << 13;
constexpr std::uint64_t kFeatureWriteZeroes = 1U << 14;

struct BlockConfig {
  Le64 capacity;  // sectors
  Le32 size_max;
  Le32 segment_max;
  std::uint8_t geometry[4] = {};
  Le32 block_size;
  std::uint8_t topology[8] = {};
  std::uint8_t writeback = 0;
  std::uint8_t unused0 = 0;
  Le16 queues;
  Le32 max_discard_sectors;
  Le32 max_discard_segments;
  Le32 discard_sector_alignment;
  Le32 max_write_zeroes_sectors;
  Le32 max_write_zeroes_segments;
  std::uint8_t write_zeroes_may_unmap = 0;
  std::uint8_t unused1[3] = {};
};
static_assert(sizeof(BlockConfig) == 60 && offsetof(BlockConfig, max_discard_sectors) == 36);

enum class RequestType : std::uint32_t {
  read = 0,
  write = 1,
  flush = 4,
  get_id = 8,
  discard = 11,
  write_zeroes = 13,
};

struct RequestHeader {
  Le32 type;
  Le32 reserved;
  Le64 sector;
};
static_assert(sizeof(RequestHeader) == 16);

// What discard and write zeroes carry, once a range.
struct RangeSegment {
  Le64 sector;
  Le32 sectors;
  Le32 flags;
};
static_assert(sizeof(RangeSegment) == 16);
constexpr std::uint32_t kRangeUnmap = 1;

enum class RequestStatus : std::uint8_t { ok = 0, io_error = 1, unsupported = 2 };

// Bytes of the identity that get_id gives, padded with zeros.
constexpr std::size_t kIdSize = 20;

}  // namespace proa::vmm::virtio::block
