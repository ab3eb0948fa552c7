// The file system device's configuration (virtio 1.2, 5.11.4).
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace proa::vmm::virtio::fs {

constexpr std::size_t kTagSize = 36;

struct FsConfig {
  std::array<char, kTagSize> tag = {};
  Le32 request_queues = 1;
};
static_assert(sizeof(FsConfig) == 40);

}  // namespace proa::vmm::virtio::fs
