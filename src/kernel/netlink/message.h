// One netlink request under construction: header, fixed part, attributes, nested attributes.
#pragma once

#include <linux/netlink.h>

#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace proa::netlink {

// Thread: a value.
class Message {
 public:
  // `flags` beyond NLM_F_REQUEST.
  Message(std::uint16_t type, std::uint16_t flags) {
    nlmsghdr header = {};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
    append(&header, sizeof header);
  }

  // The fixed part that follows the header (ifinfomsg, nfgenmsg, ...).
  template <typename Struct>
  Message& fixed(const Struct& part) {
    append(&part, sizeof part);
    return *this;
  }
  Message& put(int type, std::string_view bytes) {
    nlattr header = {};
    header.nla_len = static_cast<std::uint16_t>(sizeof header + bytes.size());
    header.nla_type = static_cast<std::uint16_t>(type);
    append(&header, sizeof header);
    append(bytes.data(), bytes.size());
    return *this;
  }
  // A zero byte at the end, as the kernel's string attributes have it.
  Message& put_text(int type, std::string_view text) { return put(type, std::string(text) + '\0'); }
  // In the machine's byte order.
  template <std::integral Number>
  Message& put_number(int type, Number number) {
    return put(type, {reinterpret_cast<const char*>(&number), sizeof number});
  }
  // In network byte order, as nfnetlink has its numbers.
  Message& put_be32(int type, std::uint32_t number) {
    return put_number(type, __builtin_bswap32(number));
  }
  Message& put_be64(int type, std::uint64_t number) {
    return put_number(type, __builtin_bswap64(number));
  }

  // Everything put until end(mark) lies inside the attribute.
  std::size_t begin(int type) {
    const std::size_t mark = bytes_.size();
    put(type, {});
    return mark;
  }
  void end(std::size_t mark) {
    const auto length = static_cast<std::uint16_t>(bytes_.size() - mark);
    std::memcpy(bytes_.data() + mark, &length, sizeof length);
  }
  template <typename Fill>
  Message& nest(int type, Fill fill) {
    const std::size_t mark = begin(type);
    fill(*this);
    end(mark);
    return *this;
  }

  // The finished message, numbered.
  const std::string& finish(std::uint32_t sequence, bool acknowledged) {
    nlmsghdr header = {};
    std::memcpy(&header, bytes_.data(), sizeof header);
    header.nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
    header.nlmsg_seq = sequence;
    if (acknowledged) header.nlmsg_flags |= NLM_F_ACK;
    std::memcpy(bytes_.data(), &header, sizeof header);
    return bytes_;
  }

 private:
  // Everything in a message is padded to four bytes; the padding counts for no attribute but the
  // one around it.
  void append(const void* data, std::size_t size) {
    if (size > 0) bytes_.append(static_cast<const char*>(data), size);
    bytes_.resize((bytes_.size() + 3) & ~std::size_t{3}, '\0');
  }

  std::string bytes_;
};

}  // namespace proa::netlink
