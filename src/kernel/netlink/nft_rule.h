// One nftables rule under construction: a row of expressions that load, compare, look up and
// decide. Registers are the 4-byte ones; the functions below use a fixed few of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kernel/netlink/message.h"

namespace proa::netlink {

// Thread: a value.
class NftRule {
 public:
  // Where a key is gathered, part behind part, in units of four bytes.
  using Register = std::uint32_t;

  // Conditions: the rule ends here where one does not hold.
  NftRule& family_is(std::uint8_t family);    // NFPROTO_IPV4, NFPROTO_IPV6
  NftRule& protocol_is(std::uint8_t number);  // IPPROTO_TCP, ...
  NftRule& destination_port_is(std::uint16_t port);
  NftRule& state_is(std::uint32_t bits);    // of NF_CT_STATE_BIT
  NftRule& status_has(std::uint32_t bits);  // of IPS_*
  NftRule& destination_is_local();
  NftRule& source_is_foreign();  // not an address of this host
  NftRule& destination_is_not(std::string_view network_bytes, std::uint8_t address_bytes);

  enum class Wanted : bool { inside, outside };
  NftRule& input_link_in(const std::string& set, Wanted wanted = Wanted::inside);
  NftRule& output_link_in(const std::string& set, Wanted wanted = Wanted::inside);
  NftRule& input_link_is(const std::string& name);  // "": of no link
  NftRule& output_link_is(const std::string& name);
  NftRule& links_in(const std::string& set);  // input . output
  NftRule& link_and_destination_in(const std::string& set, std::uint8_t address_bytes);

  // Statements.
  // Destination NAT by map: [destination .] protocol . port : address . port.
  enum class ByAddress : bool { no, yes };
  NftRule& translate_by(const std::string& map, std::uint8_t address_bytes, ByAddress by_address);
  NftRule& redirect_to(std::uint16_t port);
  NftRule& masquerade();
  NftRule& accept();
  NftRule& drop();
  NftRule& jump(const std::string& chain);

  // NFTA_RULE_EXPRESSIONS' content.
  void put_into(Message& message, int attribute) const;

 private:
  template <typename Fill>
  NftRule& expression(const char* name, Fill fill);
  NftRule& load_meta(std::uint32_t key, Register to);
  NftRule& load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length,
                        Register to);
  NftRule& load_destination(std::uint8_t address_bytes, Register to);
  NftRule& connection_has(std::uint32_t key, std::uint32_t bits);
  NftRule& load_address_type(std::uint32_t flags);
  NftRule& compare(std::uint32_t operation, std::string_view value);
  NftRule& look_up(const std::string& set, Wanted wanted);
  NftRule& verdict(int code, const std::string& chain);

  std::string expressions_;
};

}  // namespace proa::netlink
