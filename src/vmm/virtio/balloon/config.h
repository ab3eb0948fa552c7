// The balloon device's layouts (virtio 1.2, 5.5.4).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace proa::vmm::virtio::balloon {

constexpr std::uint64_t kFeatureDeflateOnOom = 1U << 2;
constexpr std::uint64_t kFeatureReporting = 1U << 5;

struct BalloonConfig {
  Le32 wanted;  // pages of 4 KiB that the guest is to give
  Le32 actual;  // that it has given; the driver writes it
};
static_assert(sizeof(BalloonConfig) == 8 && offsetof(BalloonConfig, actual) == 4);

constexpr std::uint16_t kInflate = 0;
constexpr std::uint16_t kDeflate = 1;
// Queues of features that are not offered (statistics, hints) have no number.
constexpr std::uint16_t kReporting = 2;

}  // namespace proa::vmm::virtio::balloon
