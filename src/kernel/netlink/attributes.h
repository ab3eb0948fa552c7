// Reading what the kernel says: messages one by one, attributes found by their number, bounds
// checked.
#pragma once

#include <linux/netlink.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/result.h"

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

// Gives each message of one datagram to `each`, header and the part behind it, until one fails.
//
// Errors: corrupt (cut short), what `each` gave
template <typename Each>
Result<void> for_each_message(std::string_view datagram, Each each) {
  while (!datagram.empty()) {
    const auto header = front_of<nlmsghdr>(datagram);
    if (!header || header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > datagram.size()) {
      return fail(ErrorKind::corrupt, "a netlink answer is cut short");
    }
    const std::size_t step = (std::size_t{header->nlmsg_len} + 3) & ~std::size_t{3};
    TRY(each(*header, datagram.substr(sizeof(nlmsghdr), header->nlmsg_len - sizeof(nlmsghdr))));
    datagram.remove_prefix(std::min(datagram.size(), step));
  }
  return {};
}

}  // namespace proa::netlink
