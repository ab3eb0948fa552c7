// The persistent memory device's layouts (virtio 1.2, 5.19.4 and 5.19.6).
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace proa::vmm::virtio::pmem {

struct PmemConfig {
  Le64 start;
  Le64 size;
};
static_assert(sizeof(PmemConfig) == 16);

constexpr std::uint32_t kFlush = 0;

struct FlushRequest {
  Le32 type;
};
struct FlushAnswer {
  Le32 result;  // 0, or 1 where it failed
};

}  // namespace proa::vmm::virtio::pmem
