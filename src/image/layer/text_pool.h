// TextPool keeps many short texts close together: names, link targets, attributes.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace proa::image {

// Texts stay where they are put, so views of them last as long as the pool.
// Thread: one at a time.
class TextPool {
 public:
  // Keeps a copy and gives its place. At most kChunk bytes a text.
  std::uint32_t add(std::string_view text) {
    CHECK(text.size() <= kChunk);
    if (chunks_.empty() || text.size() > kChunk - used_) {
      // 4096 chunks of 1 MiB are what 32 bits can name; the layer's limits end long before.
      CHECK(chunks_.size() < 4096);
      chunks_.push_back(std::make_unique_for_overwrite<char[]>(kChunk));
      used_ = 0;
    }
    const auto place = static_cast<std::uint32_t>((chunks_.size() - 1) * kChunk + used_);
    if (!text.empty()) std::memcpy(chunks_.back().get() + used_, text.data(), text.size());
    used_ += text.size();
    return place;
  }

  std::string_view get(std::uint32_t place, std::size_t size) const {
    return {chunks_[place / kChunk].get() + place % kChunk, size};
  }

 private:
  static constexpr std::size_t kChunk = 1 << 20;

  std::vector<std::unique_ptr<char[]>> chunks_;
  std::size_t used_ = 0;
};

}  // namespace proa::image
