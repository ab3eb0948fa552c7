// Guest physical addresses as a type of their own, so that they never mix with host pointers,
// lengths or offsets.
#pragma once

#include <compare>
#include <cstdint>

namespace proa::vmm {

// A guest physical address in bytes. Foreign: any value may come from a guest, so adding to one
// wraps as unsigned numbers do; GuestMemory and Bus check ranges without adding.
// Thread: a value.
struct GuestAddr {
  std::uint64_t value = 0;

  constexpr GuestAddr operator+(std::uint64_t offset) const { return {value + offset}; }
  constexpr std::uint64_t operator-(GuestAddr other) const { return value - other.value; }
  constexpr auto operator<=>(const GuestAddr&) const = default;
};

// `size` bytes from `start`.
struct GuestRange {
  GuestAddr start;
  std::uint64_t size = 0;

  // Whether `length` bytes at `address` lie wholly inside; true for no bytes at the very end.
  constexpr bool contains(GuestAddr address, std::uint64_t length) const {
    if (address < start) return false;
    const std::uint64_t offset = address - start;
    return offset <= size && length <= size - offset;
  }
  constexpr bool operator==(const GuestRange&) const = default;
};

}  // namespace proa::vmm
