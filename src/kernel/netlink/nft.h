// Requests of nftables: one transaction of tables, chains, sets, rules and elements, applied by the
// kernel as a whole or not at all. What rules are made of is in nft_rule.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/netlink/netlink_socket.h"
#include "kernel/netlink/nft_rule.h"

namespace proa::netlink {

// The number that nft(8) knows a data type by; a key of several parts has one number a part.
enum class NftType : std::uint32_t {
  verdict = 1,
  ipv4 = 7,
  ipv6 = 8,
  protocol = 12,
  port = 13,
  link_name = 41,
};
// Bytes in a set's key: every part is padded to four.
std::uint32_t key_size(const std::vector<NftType>& parts);

struct NftSet {
  std::string name;
  std::vector<NftType> key;
  std::vector<NftType> data;  // not empty: a map
};

struct NftHook {
  std::uint32_t number;  // NF_INET_*
  std::int32_t priority;
  const char* type;  // "filter", "nat"
};

struct NftElement {
  std::string key;   // parts in network order, each padded to four bytes
  std::string data;  // "" in a set
};
std::string pad(std::string_view part);       // to a multiple of four bytes
std::string link_key(std::string_view name);  // a link's name as a key's part: 16 bytes

// One transaction on one table. Every add takes what exists already as it is.
//
// Thread: a value.
class NftBatch {
 public:
  explicit NftBatch(std::string table, std::uint8_t family = 1);  // NFPROTO_*; 1 is inet

  void add_table();
  // A table that is not there is an error of the whole transaction: not_found.
  void remove_table();
  void add_chain(const std::string& name);
  void add_base_chain(const std::string& name, const NftHook& hook);
  void clear_chain(const std::string& name);
  void add_rule(const std::string& chain, const NftRule& rule);
  // In front of the others, marked with `owner` for list_rules.
  void insert_rule(const std::string& chain, const NftRule& rule, const std::string& owner);
  void remove_rule(const std::string& chain, std::uint64_t handle);
  void add_set(const NftSet& set);
  void clear_set(const std::string& set);
  void add_elements(const std::string& set, const std::vector<NftElement>& elements);
  // Errors: not_found for the whole transaction where one is missing
  void remove_elements(const std::string& set, const std::vector<NftElement>& elements);

  // Errors: not_found, already_exists, ... of the first request that the kernel refuses
  Result<void> apply(NetlinkSocket& socket) &&;

 private:
  Message start(int type, std::uint16_t flags) const;
  void in_short_messages(int type, std::uint16_t flags, const std::string& set,
                         const std::vector<NftElement>& list);
  void elements(int type, std::uint16_t flags, const std::string& set,
                const std::vector<NftElement>& elements);

  std::string table_;
  std::uint8_t family_;
  std::vector<Request> requests_;
  std::uint32_t last_set_ = 0;
};

// Handles of the rules in a chain that `owner` marked.
Result<std::vector<std::uint64_t>> list_rules(NetlinkSocket& socket, std::uint8_t family,
                                              const std::string& table, const std::string& chain,
                                              const std::string& owner);
bool has_chain(NetlinkSocket& socket, std::uint8_t family, const std::string& table,
               const std::string& chain);

}  // namespace proa::netlink
