// The network device's features, configuration and frame header (virtio 1.2, 5.1.3 to 5.1.6).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace proa::vmm::virtio::net {

constexpr std::uint64_t kFeatureChecksum = 1U << 0;
constexpr std::uint64_t kFeatureGuestChecksum = 1U << 1;
constexpr std::uint64_t kFeatureMtu = 1U << 3;
constexpr std::uint64_t kFeatureMac = 1U << 5;
constexpr std::uint64_t kFeatureGuestTso4 = 1U << 7;
constexpr std::uint64_t kFeatureGuestTso6 = 1U << 8;
constexpr std::uint64_t kFeatureGuestEcn = 1U << 9;
constexpr std::uint64_t kFeatureHostTso4 = 1U << 11;
constexpr std::uint64_t kFeatureHostTso6 = 1U << 12;
constexpr std::uint64_t kFeatureHostEcn = 1U << 13;
constexpr std::uint64_t kFeatureMergeable = 1U << 15;
constexpr std::uint64_t kFeatureStatus = 1U << 16;
constexpr std::uint64_t kFeatureGuestUso4 = std::uint64_t{1} << 54;
constexpr std::uint64_t kFeatureGuestUso6 = std::uint64_t{1} << 55;
constexpr std::uint64_t kFeatureHostUso = std::uint64_t{1} << 56;

using Mac = std::array<std::uint8_t, 6>;

struct NetConfig {
  Mac mac = {};
  Le16 status;
  Le16 max_queue_pairs;
  Le16 mtu;
};
static_assert(sizeof(NetConfig) == 12 && offsetof(NetConfig, mtu) == 10);
constexpr std::uint16_t kLinkUp = 1;

struct FrameHeader {
  std::uint8_t flags = 0;
  std::uint8_t segmentation = 0;
  Le16 header_length;
  Le16 segment_size;
  Le16 checksum_start;
  Le16 checksum_offset;
  Le16 buffers;  // of a received frame
};
static_assert(sizeof(FrameHeader) == 12 && offsetof(FrameHeader, buffers) == 10);

// The largest frame: 64 KiB of segments to be cut, Ethernet and VLAN headers, and ours.
constexpr std::size_t kMaxFrame = 65536 + 18 + sizeof(FrameHeader);

}  // namespace proa::vmm::virtio::net
