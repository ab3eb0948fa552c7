// Internet addresses of both versions and the subnets they lie in, as values: parsing, printing,
// counting. Not sockets.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace proa {

// An IPv4 or IPv6 address. Ordered: all of version 4 first, then by number.
// Thread: a value.
class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0
  static IpAddress v4(std::uint32_t number);
  // `bytes` in network order.
  static IpAddress v6(const std::array<std::uint8_t, 16>& bytes);
  // Errors: invalid_argument (not an address; the text is quoted)
  static Result<IpAddress> parse(std::string_view text);
  // Takes network-order bytes, 4 or 16 of them.
  static std::optional<IpAddress> from_bytes(std::string_view bytes);

  bool is_v6() const { return v6_; }
  int bits() const { return v6_ ? 128 : 32; }
  // Network order, 4 or 16 bytes.
  std::string_view bytes() const;
  std::string text() const;
  // Version 4 only.
  std::uint32_t number() const;
  bool is_any() const;
  bool is_loopback() const;
  // This address with `offset` added to its last 32 bits, which wrap.
  IpAddress plus(std::uint32_t offset) const;
  // The last 32 bits of this one less those of `other`.
  std::uint32_t minus(const IpAddress& other) const;
  // This address with all bits behind the first `prefix` cleared.
  IpAddress masked(int prefix) const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  bool v6_ = false;
  std::array<std::uint8_t, 16> bytes_ = {};  // of version 4 the first four
};

// A range of addresses with a common beginning: "10.1.0.0/20".
// Thread: a value.
struct Subnet {
  IpAddress base;  // host bits clear
  int prefix = 0;

  // Errors: invalid_argument (no prefix, too long, host bits set)
  static Result<Subnet> parse(std::string_view text);
  std::string text() const;
  bool contains(const IpAddress& address) const;
  bool overlaps(const Subnet& other) const;
  // Addresses counted from `base`, at most 2^32 - 1.
  std::uint32_t size() const;

  auto operator<=>(const Subnet&) const = default;
};

// An address and how many of its bits name its subnet: "10.1.0.2/20".
struct HostAddress {
  IpAddress address;
  int prefix = 0;

  // Errors: invalid_argument
  static Result<HostAddress> parse(std::string_view text);
  std::string text() const;
};

}  // namespace proa
