#include "kernel/netlink/nft_rule.h"

// Before the kernel's headers, which define less where this one was there first.
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>

namespace proa::netlink {
namespace {

constexpr NftRule::Register kKey = NFT_REG32_00;
constexpr NftRule::Register kFound = NFT_REG32_12;  // an address of 16 bytes would not fit behind
constexpr std::uint32_t kLocal = 2;                 // RTN_LOCAL

std::string be16(std::uint16_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

std::string native32(std::uint32_t number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

// Registers count four bytes each.
constexpr NftRule::Register behind_address(NftRule::Register start, std::uint8_t address_bytes) {
  return start + address_bytes / 4U;
}

}  // namespace

template <typename Fill>
NftRule& NftRule::expression(const char* name, Fill fill) {
  // Built inside a message of its own; only what lies behind its header is kept.
  Message scratch(0, 0);
  scratch.nest(NFTA_LIST_ELEM | NLA_F_NESTED, [&](Message& element) {
    element.put_text(NFTA_EXPR_NAME, name);
    element.nest(NFTA_EXPR_DATA | NLA_F_NESTED, fill);
  });
  expressions_ += scratch.finish(0, false).substr(sizeof(nlmsghdr));
  return *this;
}

NftRule& NftRule::load_meta(std::uint32_t key, Register to) {
  return expression("meta", [&](Message& data) {
    data.put_be32(NFTA_META_KEY, key).put_be32(NFTA_META_DREG, to);
  });
}

NftRule& NftRule::load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length,
                               Register to) {
  return expression("payload", [&](Message& data) {
    data.put_be32(NFTA_PAYLOAD_DREG, to)
        .put_be32(NFTA_PAYLOAD_BASE, base)
        .put_be32(NFTA_PAYLOAD_OFFSET, offset)
        .put_be32(NFTA_PAYLOAD_LEN, length);
  });
}

NftRule& NftRule::load_destination(std::uint8_t address_bytes, Register to) {
  return load_payload(NFT_PAYLOAD_NETWORK_HEADER, address_bytes == 4 ? 16 : 24, address_bytes, to);
}

NftRule& NftRule::compare(std::uint32_t operation, std::string_view value) {
  return expression("cmp", [&](Message& data) {
    data.put_be32(NFTA_CMP_SREG, kKey).put_be32(NFTA_CMP_OP, operation);
    data.nest(NFTA_CMP_DATA | NLA_F_NESTED,
              [&](Message& inner) { inner.put(NFTA_DATA_VALUE, value); });
  });
}

NftRule& NftRule::look_up(const std::string& set, Wanted wanted) {
  return expression("lookup", [&](Message& data) {
    data.put_text(NFTA_LOOKUP_SET, set).put_be32(NFTA_LOOKUP_SREG, kKey);
    if (wanted == Wanted::outside) data.put_be32(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
  });
}

NftRule& NftRule::family_is(std::uint8_t family) {
  return load_meta(NFT_META_NFPROTO, kKey)
      .compare(NFT_CMP_EQ, std::string(1, static_cast<char>(family)));
}

NftRule& NftRule::protocol_is(std::uint8_t number) {
  return load_meta(NFT_META_L4PROTO, kKey)
      .compare(NFT_CMP_EQ, std::string(1, static_cast<char>(number)));
}

NftRule& NftRule::destination_port_is(std::uint16_t port) {
  return load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, kKey).compare(NFT_CMP_EQ, be16(port));
}

NftRule& NftRule::connection_has(std::uint32_t key, std::uint32_t bits) {
  expression("ct",
             [&](Message& data) { data.put_be32(NFTA_CT_DREG, kKey).put_be32(NFTA_CT_KEY, key); });
  expression("bitwise", [&](Message& data) {
    data.put_be32(NFTA_BITWISE_SREG, kKey).put_be32(NFTA_BITWISE_DREG, kKey);
    data.put_be32(NFTA_BITWISE_LEN, 4);
    data.nest(NFTA_BITWISE_MASK | NLA_F_NESTED,
              [&](Message& inner) { inner.put(NFTA_DATA_VALUE, native32(bits)); });
    data.nest(NFTA_BITWISE_XOR | NLA_F_NESTED,
              [&](Message& inner) { inner.put(NFTA_DATA_VALUE, native32(0)); });
  });
  return compare(NFT_CMP_NEQ, native32(0));
}

NftRule& NftRule::state_is(std::uint32_t bits) { return connection_has(NFT_CT_STATE, bits); }
NftRule& NftRule::status_has(std::uint32_t bits) { return connection_has(NFT_CT_STATUS, bits); }

NftRule& NftRule::load_address_type(std::uint32_t flags) {
  return expression("fib", [&](Message& data) {
    data.put_be32(NFTA_FIB_DREG, kKey)
        .put_be32(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE)
        .put_be32(NFTA_FIB_FLAGS, flags);
  });
}

NftRule& NftRule::destination_is_local() {
  return load_address_type(NFTA_FIB_F_DADDR).compare(NFT_CMP_EQ, native32(kLocal));
}

NftRule& NftRule::source_is_foreign() {
  return load_address_type(NFTA_FIB_F_SADDR).compare(NFT_CMP_NEQ, native32(kLocal));
}

NftRule& NftRule::destination_is_not(std::string_view network_bytes, std::uint8_t address_bytes) {
  // Whole leading bytes: enough for 127.0.0.0/8 and ::1.
  load_payload(NFT_PAYLOAD_NETWORK_HEADER, address_bytes == 4 ? 16 : 24,
               static_cast<std::uint32_t>(network_bytes.size()), kKey);
  return compare(NFT_CMP_NEQ, network_bytes);
}

NftRule& NftRule::input_link_in(const std::string& set, Wanted wanted) {
  return load_meta(NFT_META_IIFNAME, kKey).look_up(set, wanted);
}

NftRule& NftRule::output_link_in(const std::string& set, Wanted wanted) {
  return load_meta(NFT_META_OIFNAME, kKey).look_up(set, wanted);
}

NftRule& NftRule::input_link_is(const std::string& name) {
  return load_meta(NFT_META_IIFNAME, kKey).compare(NFT_CMP_EQ, name + '\0');
}

NftRule& NftRule::output_link_is(const std::string& name) {
  return load_meta(NFT_META_OIFNAME, kKey).compare(NFT_CMP_EQ, name + '\0');
}

NftRule& NftRule::links_in(const std::string& set) {
  return load_meta(NFT_META_IIFNAME, kKey)
      .load_meta(NFT_META_OIFNAME, kKey + 4)
      .look_up(set, Wanted::inside);
}

NftRule& NftRule::link_and_destination_in(const std::string& set, std::uint8_t address_bytes) {
  return load_meta(NFT_META_IIFNAME, kKey)
      .load_destination(address_bytes, kKey + 4)
      .look_up(set, Wanted::inside);
}

NftRule& NftRule::translate_by(const std::string& map, std::uint8_t address_bytes,
                               ByAddress by_address) {
  Register next = kKey;
  if (by_address == ByAddress::yes) {
    load_destination(address_bytes, next);
    next = behind_address(next, address_bytes);
  }
  load_meta(NFT_META_L4PROTO, next);
  load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, next + 1);
  // What is found is longer than what is left of the registers where the address has 16 bytes:
  // it replaces the key, which is not needed any more.
  const Register found = address_bytes == 4 ? kFound : kKey;
  expression("lookup", [&](Message& data) {
    data.put_text(NFTA_LOOKUP_SET, map)
        .put_be32(NFTA_LOOKUP_SREG, kKey)
        .put_be32(NFTA_LOOKUP_DREG, found);
  });
  return expression("nat", [&](Message& data) {
    data.put_be32(NFTA_NAT_TYPE, NFT_NAT_DNAT)
        .put_be32(NFTA_NAT_FAMILY, address_bytes == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6)
        .put_be32(NFTA_NAT_REG_ADDR_MIN, found)
        .put_be32(NFTA_NAT_REG_PROTO_MIN, behind_address(found, address_bytes));
  });
}

NftRule& NftRule::redirect_to(std::uint16_t port) {
  expression("immediate", [&](Message& data) {
    data.put_be32(NFTA_IMMEDIATE_DREG, kKey);
    data.nest(NFTA_IMMEDIATE_DATA | NLA_F_NESTED,
              [&](Message& inner) { inner.put(NFTA_DATA_VALUE, be16(port)); });
  });
  return expression("redir", [](Message& data) {
    data.put_be32(NFTA_REDIR_REG_PROTO_MIN, kKey);
    data.put_be32(NFTA_REDIR_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
  });
}

NftRule& NftRule::masquerade() {
  return expression("masq", [](Message&) {});
}

NftRule& NftRule::verdict(int code, const std::string& chain) {
  return expression("immediate", [&](Message& data) {
    data.put_be32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    data.nest(NFTA_IMMEDIATE_DATA | NLA_F_NESTED, [&](Message& inner) {
      inner.nest(NFTA_DATA_VERDICT | NLA_F_NESTED, [&](Message& what) {
        what.put_be32(NFTA_VERDICT_CODE, static_cast<std::uint32_t>(code));
        if (!chain.empty()) what.put_text(NFTA_VERDICT_CHAIN, chain);
      });
    });
  });
}

NftRule& NftRule::accept() { return verdict(NF_ACCEPT, {}); }
NftRule& NftRule::drop() { return verdict(NF_DROP, {}); }
NftRule& NftRule::jump(const std::string& chain) { return verdict(NFT_JUMP, chain); }

void NftRule::put_into(Message& message, int attribute) const {
  message.put(attribute | NLA_F_NESTED, expressions_);
}

}  // namespace proa::netlink
