// NameIndex finds an entry by directory and name: a hash table of numbers whose keys live with
// the entries themselves.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace proa::image {

// Seeded anew in each object: an archive's author cannot choose names that all collide.
// Thread: one at a time.
class NameIndex {
 public:
  NameIndex();

  // The number whose key is (directory, name) by `matches(number)`, or kNone.
  template <typename Matches>
  std::uint32_t find(std::uint32_t directory, std::string_view name, const Matches& matches) const {
    std::size_t slot = hash(directory, name) & (slots_.size() - 1);
    while (slots_[slot] != kNone && !matches(slots_[slot])) slot = (slot + 1) & (slots_.size() - 1);
    return slots_[slot];
  }

  // Adds a number whose key is not there yet; `hash_of(number)` gives the others' hashes when the
  // table grows.
  template <typename HashOf>
  void add(std::uint32_t number, const HashOf& hash_of) {
    if (2 * (count_ + 1) > slots_.size()) {
      std::vector<std::uint32_t> old(2 * slots_.size(), kNone);
      old.swap(slots_);
      for (const std::uint32_t other : old) {
        if (other != kNone) place(other, hash_of(other));
      }
    }
    place(number, hash_of(number));
    ++count_;
  }

  std::uint64_t hash(std::uint32_t directory, std::string_view name) const;

  static constexpr std::uint32_t kNone = 0xffffffff;

 private:
  void place(std::uint32_t number, std::uint64_t hash) {
    std::size_t slot = hash & (slots_.size() - 1);
    while (slots_[slot] != kNone) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = number;
  }

  std::uint64_t seed_;
  std::size_t count_ = 0;
  std::vector<std::uint32_t> slots_;
};

}  // namespace proa::image
