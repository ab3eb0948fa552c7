#include "base/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "base/number.h"

namespace proa {
namespace {

std::uint32_t last_word(const IpAddress& address) {
  const std::string_view bytes = address.bytes();
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data() + bytes.size() - 4, 4);
  return ntohl(word);
}

Result<std::pair<IpAddress, int>> parse_with_prefix(std::string_view text) {
  const auto [address, prefix] = split_once(text, '/');
  const IpAddress base = TRY(IpAddress::parse(address));
  const Result<int> bits = parse_number<int>(prefix);
  if (!bits.ok() || bits.value() < 0 || bits.value() > base.bits()) {
    return fail(ErrorKind::invalid_argument, "'", printable(text, 64),
                "' is not an address with the length of its prefix");
  }
  return std::pair(base, bits.value());
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t number) {
  IpAddress address;
  const std::uint32_t swapped = htonl(number);
  std::memcpy(address.bytes_.data(), &swapped, 4);
  return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes) {
  IpAddress address;
  address.v6_ = true;
  address.bytes_ = bytes;
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text.substr(0, 64));
  IpAddress address;
  if (::inet_pton(AF_INET, copy.c_str(), address.bytes_.data()) == 1) return address;
  if (::inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) == 1) {
    address.v6_ = true;
    return address;
  }
  return fail(ErrorKind::invalid_argument, "'", printable(text, 64), "' is not an IP address");
}

std::optional<IpAddress> IpAddress::from_bytes(std::string_view bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  IpAddress address;
  address.v6_ = bytes.size() == 16;
  std::memcpy(address.bytes_.data(), bytes.data(), bytes.size());
  return address;
}

std::string_view IpAddress::bytes() const {
  return {reinterpret_cast<const char*>(bytes_.data()), v6_ ? 16U : 4U};
}

std::string IpAddress::text() const {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text);
  return text;
}

std::uint32_t IpAddress::number() const { return last_word(*this); }

bool IpAddress::is_any() const {
  return std::ranges::all_of(bytes_, [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const {
  if (!v6_) return bytes_[0] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto byte) { return byte == 0; }) &&
         bytes_[15] == 1;
}

IpAddress IpAddress::plus(std::uint32_t offset) const {
  IpAddress sum = *this;
  const std::uint32_t word = htonl(last_word(*this) + offset);
  std::memcpy(sum.bytes_.data() + bytes().size() - 4, &word, 4);
  return sum;
}

std::uint32_t IpAddress::minus(const IpAddress& other) const {
  return last_word(*this) - last_word(other);
}

IpAddress IpAddress::masked(int prefix) const {
  IpAddress masked = *this;
  for (int at = 0; at < bits() / 8; ++at) {
    const int kept = std::clamp(prefix - at * 8, 0, 8);
    masked.bytes_[static_cast<std::size_t>(at)] &= static_cast<std::uint8_t>(0xff00U >> kept);
  }
  return masked;
}

Result<Subnet> Subnet::parse(std::string_view text) {
  const auto [base, prefix] = TRY(parse_with_prefix(text));
  if (base.masked(prefix) != base) {
    return fail(ErrorKind::invalid_argument, "'", printable(text, 64),
                "' is an address in a subnet, not a subnet: host bits are set");
  }
  return Subnet{base, prefix};
}

std::string Subnet::text() const { return cat(base.text(), "/", prefix); }

bool Subnet::contains(const IpAddress& address) const {
  return address.is_v6() == base.is_v6() && address.masked(prefix) == base;
}

bool Subnet::overlaps(const Subnet& other) const {
  return prefix <= other.prefix ? contains(other.base) : other.contains(base);
}

std::uint32_t Subnet::size() const {
  const int free = base.bits() - prefix;
  return free >= 32 ? 0xffffffffU : std::uint32_t{1} << free;
}

Result<HostAddress> HostAddress::parse(std::string_view text) {
  const auto [address, prefix] = TRY(parse_with_prefix(text));
  return HostAddress{address, prefix};
}

std::string HostAddress::text() const { return cat(address.text(), "/", prefix); }

}  // namespace proa
