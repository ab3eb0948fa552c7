// Reading what the kernel answered: attributes found by their number, bounds checked.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace proa::netlink {

// The content of the first attribute `type` in `bytes`, nothing where it is not there.
inline std::optional<std::string_view> find_attribute(std::string_view bytes, int type) {
  while (bytes.size() >= sizeof(nlattr)) {
    nlattr header = {};
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > bytes.size()) return std::nullopt;
    if ((header.nla_type & NLA_TYPE_MASK) == type) {
      return bytes.substr(sizeof header, header.nla_len - sizeof header);
    }
    const std::size_t step = (std::size_t{header.nla_len} + 3) & ~std::size_t{3};
    if (step >= bytes.size()) return std::nullopt;
    bytes.remove_prefix(step);
  }
  return std::nullopt;
}

// The fixed part at the front of an answer; nothing where the answer is too short.
template <typename Struct>
std::optional<Struct> front_of(std::string_view bytes) {
  if (bytes.size() < sizeof(Struct)) return std::nullopt;
  Struct part;
  std::memcpy(&part, bytes.data(), sizeof part);
  return part;
}

inline std::string_view behind(std::string_view bytes, std::size_t fixed) {
  const std::size_t aligned = (fixed + 3) & ~std::size_t{3};
  return bytes.size() < aligned ? std::string_view() : bytes.substr(aligned);
}

}  // namespace proa::netlink
