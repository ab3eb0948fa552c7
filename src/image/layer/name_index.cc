#include "image/layer/name_index.h"

#include <cstring>
#include <random>

namespace proa::image {
namespace {

// Folds the 128-bit product of two words: every bit of either reaches every bit of the result.
std::uint64_t mix(std::uint64_t left, std::uint64_t right) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(left) * right;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

NameIndex::NameIndex() : slots_(1024, kNone) {
  std::random_device random;
  seed_ = std::uint64_t{random()} << 32 | random();
}

std::uint64_t NameIndex::hash(std::uint32_t directory, std::string_view name) const {
  std::uint64_t state = mix(seed_ ^ directory, 0x9e3779b97f4a7c15 ^ name.size());
  while (!name.empty()) {
    std::uint64_t word = 0;
    const std::size_t count = name.size() < sizeof word ? name.size() : sizeof word;
    std::memcpy(&word, name.data(), count);
    state = mix(state ^ word, seed_ | 1);
    name.remove_prefix(count);
  }
  return state;
}

}  // namespace proa::image
