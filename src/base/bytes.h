// Fixed byte orders for wire and disk layouts. The wrappers have alignment 1 and no padding, so
// a struct of them is the layout; check it with static_assert on size and offsets.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace proa {

template <std::unsigned_integral Number, std::endian kOrder>
class Ordered {
 public:
  Ordered() = default;
  Ordered(Number number) { *this = number; }
  Ordered& operator=(Number number) {
    if constexpr (kOrder != std::endian::native) number = swapped(number);
    std::memcpy(bytes_, &number, sizeof number);
    return *this;
  }
  operator Number() const { return get(); }
  Number get() const {
    Number number;
    std::memcpy(&number, bytes_, sizeof number);
    if constexpr (kOrder != std::endian::native) number = swapped(number);
    return number;
  }

 private:
  static Number swapped(Number number) {
    if constexpr (sizeof number == 2) return __builtin_bswap16(number);
    if constexpr (sizeof number == 4) return __builtin_bswap32(number);
    if constexpr (sizeof number == 8) return __builtin_bswap64(number);
  }

  unsigned char bytes_[sizeof(Number)] = {};
};

using Le16 = Ordered<std::uint16_t, std::endian::little>;
using Le32 = Ordered<std::uint32_t, std::endian::little>;
using Le64 = Ordered<std::uint64_t, std::endian::little>;
using Be16 = Ordered<std::uint16_t, std::endian::big>;
using Be32 = Ordered<std::uint32_t, std::endian::big>;
using Be64 = Ordered<std::uint64_t, std::endian::big>;

using ByteSpan = std::span<const std::byte>;
using MutableByteSpan = std::span<std::byte>;

// Views a layout struct as bytes.
template <typename Layout>
  requires(!std::is_array_v<Layout> && std::is_trivially_copyable_v<Layout>)
ByteSpan bytes_of(const Layout& layout) {
  return std::as_bytes(std::span<const Layout, 1>(&layout, 1));
}

inline ByteSpan bytes_of(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

inline std::string_view text_of(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Copies a layout struct out of foreign bytes; the caller has checked the size.
template <typename Layout>
  requires(!std::is_array_v<Layout> && std::is_trivially_copyable_v<Layout>)
Layout copy_from(ByteSpan bytes) {
  Layout layout;
  std::memcpy(&layout, bytes.data(), sizeof layout);
  return layout;
}

}  // namespace proa
