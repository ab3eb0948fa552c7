#include "kernel/netlink/nft.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "base/number.h"
#include "kernel/netlink/attributes.h"

namespace proa::netlink {
namespace {

constexpr int kTypeBits = 6;  // of each part in the number of a joined type, as nft(8) has it

std::uint32_t size_of(NftType type) {
  switch (type) {
    case NftType::ipv6:
    case NftType::link_name:
      return 16;
    case NftType::ipv4:
      return 4;
    case NftType::port:
      return 2;
    case NftType::protocol:
      return 1;
    case NftType::verdict:
      return 0;
  }
  return 0;
}

std::uint32_t type_number(const std::vector<NftType>& parts) {
  std::uint32_t number = 0;
  for (const NftType part : parts) {
    number = (number << kTypeBits) | static_cast<std::uint32_t>(part);
  }
  return number;
}

Message mark(int type) {
  Message message(static_cast<std::uint16_t>(type), 0);
  message.fixed(nfgenmsg{AF_UNSPEC, NFNETLINK_V0, __builtin_bswap16(NFNL_SUBSYS_NFTABLES)});
  return message;
}

}  // namespace

std::uint32_t key_size(const std::vector<NftType>& parts) {
  std::uint32_t size = 0;
  for (const NftType part : parts) size += align_up<std::uint32_t>(size_of(part), 4);
  return size;
}

std::string pad(std::string_view part) {
  std::string padded(part);
  padded.resize(align_up<std::size_t>(part.size(), 4), '\0');
  return padded;
}

std::string link_key(std::string_view name) {
  std::string key(name.substr(0, 15));
  key.resize(16, '\0');
  return key;
}

NftBatch::NftBatch(std::string table, std::uint8_t family)
    : table_(std::move(table)), family_(family) {
  requests_.push_back({mark(NFNL_MSG_BATCH_BEGIN), "changing nftables", 0, false});
}

Message NftBatch::start(int type, std::uint16_t flags) const {
  Message message(static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type), flags);
  message.fixed(nfgenmsg{family_, NFNETLINK_V0, 0});
  return message;
}

void NftBatch::add_table() {
  Message message = start(NFT_MSG_NEWTABLE, NLM_F_CREATE);
  message.put_text(NFTA_TABLE_NAME, table_);
  requests_.push_back({std::move(message), cat("adding the nftables table '", table_, "'")});
}

void NftBatch::remove_table() {
  Message message = start(NFT_MSG_DELTABLE, 0);
  message.put_text(NFTA_TABLE_NAME, table_);
  requests_.push_back({std::move(message), cat("removing the nftables table '", table_, "'")});
}

void NftBatch::add_chain(const std::string& name) {
  Message message = start(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  message.put_text(NFTA_CHAIN_TABLE, table_).put_text(NFTA_CHAIN_NAME, name);
  requests_.push_back({std::move(message), cat("adding the nftables chain '", name, "'")});
}

void NftBatch::add_base_chain(const std::string& name, const NftHook& hook) {
  Message message = start(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  message.put_text(NFTA_CHAIN_TABLE, table_).put_text(NFTA_CHAIN_NAME, name);
  message.nest(NFTA_CHAIN_HOOK | NLA_F_NESTED, [&](Message& inner) {
    inner.put_be32(NFTA_HOOK_HOOKNUM, hook.number);
    inner.put_be32(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(hook.priority));
  });
  message.put_text(NFTA_CHAIN_TYPE, hook.type);
  requests_.push_back({std::move(message), cat("adding the nftables chain '", name, "'")});
}

void NftBatch::clear_chain(const std::string& name) {
  Message message = start(NFT_MSG_DELRULE, 0);
  message.put_text(NFTA_RULE_TABLE, table_).put_text(NFTA_RULE_CHAIN, name);
  requests_.push_back({std::move(message), cat("clearing the nftables chain '", name, "'")});
}

void NftBatch::add_rule(const std::string& chain, const NftRule& rule) {
  Message message = start(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  message.put_text(NFTA_RULE_TABLE, table_).put_text(NFTA_RULE_CHAIN, chain);
  rule.put_into(message, NFTA_RULE_EXPRESSIONS);
  requests_.push_back(
      {std::move(message), cat("adding a rule to the nftables chain '", chain, "'")});
}

namespace {

// A comment as nft(8) keeps it: type 0, length, text with its zero byte.
std::string comment_of(const std::string& text) {
  std::string data = {0, static_cast<char>(text.size() + 1)};
  data += text;
  data += '\0';
  return data;
}

}  // namespace

void NftBatch::insert_rule(const std::string& chain, const NftRule& rule,
                           const std::string& owner) {
  Message message = start(NFT_MSG_NEWRULE, NLM_F_CREATE);
  message.put_text(NFTA_RULE_TABLE, table_).put_text(NFTA_RULE_CHAIN, chain);
  rule.put_into(message, NFTA_RULE_EXPRESSIONS);
  message.put(NFTA_RULE_USERDATA, comment_of(owner));
  requests_.push_back(
      {std::move(message), cat("adding a rule to the nftables chain '", chain, "'")});
}

void NftBatch::remove_rule(const std::string& chain, std::uint64_t handle) {
  Message message = start(NFT_MSG_DELRULE, 0);
  message.put_text(NFTA_RULE_TABLE, table_).put_text(NFTA_RULE_CHAIN, chain);
  message.put_be64(NFTA_RULE_HANDLE, handle);
  requests_.push_back(
      {std::move(message), cat("removing a rule of the nftables chain '", chain, "'")});
}

Result<std::vector<std::uint64_t>> list_rules(NetlinkSocket& socket, std::uint8_t family,
                                              const std::string& table, const std::string& chain,
                                              const std::string& owner) {
  Message message(static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETRULE),
                  NLM_F_DUMP);
  message.fixed(nfgenmsg{family, NFNETLINK_V0, 0});
  message.put_text(NFTA_RULE_TABLE, table).put_text(NFTA_RULE_CHAIN, chain);
  std::vector<std::uint64_t> handles;
  const std::string wanted = comment_of(owner);
  TRY(socket.query({std::move(message), cat("listing the nftables chain '", chain, "'")},
                   [&](std::string_view answer) {
                     const std::string_view attributes = behind(answer, sizeof(nfgenmsg));
                     const auto data = find_attribute(attributes, NFTA_RULE_USERDATA);
                     const auto handle = find_attribute(attributes, NFTA_RULE_HANDLE);
                     if (!data || *data != wanted || !handle) return;
                     const auto number = front_of<std::uint64_t>(*handle);
                     if (number) handles.push_back(__builtin_bswap64(*number));
                   }));
  return handles;
}

bool has_chain(NetlinkSocket& socket, std::uint8_t family, const std::string& table,
               const std::string& chain) {
  Message message(static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETCHAIN), 0);
  message.fixed(nfgenmsg{family, NFNETLINK_V0, 0});
  message.put_text(NFTA_CHAIN_TABLE, table).put_text(NFTA_CHAIN_NAME, chain);
  bool found = false;
  const Result<void> asked = socket.query({std::move(message), "finding an nftables chain"},
                                          [&](std::string_view) { found = true; });
  return asked.ok() && found;
}

void NftBatch::add_set(const NftSet& set) {
  Message message = start(NFT_MSG_NEWSET, NLM_F_CREATE);
  message.put_text(NFTA_SET_TABLE, table_).put_text(NFTA_SET_NAME, set.name);
  message.put_be32(NFTA_SET_ID, ++last_set_);
  std::uint32_t flags = set.key.size() > 1 ? NFT_SET_CONCAT : 0;
  if (!set.data.empty()) flags |= NFT_SET_MAP;
  message.put_be32(NFTA_SET_FLAGS, flags);
  message.put_be32(NFTA_SET_KEY_TYPE, type_number(set.key));
  message.put_be32(NFTA_SET_KEY_LEN, key_size(set.key));
  if (!set.data.empty()) {
    message.put_be32(NFTA_SET_DATA_TYPE, type_number(set.data));
    message.put_be32(NFTA_SET_DATA_LEN, key_size(set.data));
  }
  if (set.key.size() > 1) {
    message.nest(NFTA_SET_DESC | NLA_F_NESTED, [&](Message& description) {
      description.nest(NFTA_SET_DESC_CONCAT | NLA_F_NESTED, [&](Message& parts) {
        for (const NftType part : set.key) {
          parts.nest(NFTA_LIST_ELEM | NLA_F_NESTED,
                     [&](Message& field) { field.put_be32(NFTA_SET_FIELD_LEN, size_of(part)); });
        }
      });
    });
  }
  requests_.push_back({std::move(message), cat("adding the nftables set '", set.name, "'")});
}

void NftBatch::elements(int type, std::uint16_t flags, const std::string& set,
                        const std::vector<NftElement>& elements) {
  Message message = start(type, flags);
  message.put_text(NFTA_SET_ELEM_LIST_TABLE, table_).put_text(NFTA_SET_ELEM_LIST_SET, set);
  message.nest(NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED, [&](Message& list) {
    for (const NftElement& element : elements) {
      list.nest(NFTA_LIST_ELEM | NLA_F_NESTED, [&](Message& one) {
        one.nest(NFTA_SET_ELEM_KEY | NLA_F_NESTED,
                 [&](Message& key) { key.put(NFTA_DATA_VALUE, element.key); });
        if (element.data.empty() || type == NFT_MSG_DELSETELEM) return;
        one.nest(NFTA_SET_ELEM_DATA | NLA_F_NESTED,
                 [&](Message& data) { data.put(NFTA_DATA_VALUE, element.data); });
      });
    }
  });
  requests_.push_back({std::move(message), cat("changing the nftables set '", set, "'")});
}

void NftBatch::in_short_messages(int type, std::uint16_t flags, const std::string& set,
                                 const std::vector<NftElement>& list) {
  // An attribute's length has 16 bits.
  constexpr std::size_t kAtOnce = 256;
  for (std::size_t at = 0; at < list.size(); at += kAtOnce) {
    const std::size_t end = std::min(list.size(), at + kAtOnce);
    elements(type, flags, set,
             {list.begin() + static_cast<std::ptrdiff_t>(at),
              list.begin() + static_cast<std::ptrdiff_t>(end)});
  }
}

void NftBatch::add_elements(const std::string& set, const std::vector<NftElement>& list) {
  in_short_messages(NFT_MSG_NEWSETELEM, NLM_F_CREATE, set, list);
}

void NftBatch::remove_elements(const std::string& set, const std::vector<NftElement>& list) {
  in_short_messages(NFT_MSG_DELSETELEM, 0, set, list);
}

void NftBatch::clear_set(const std::string& set) {
  Message message = start(NFT_MSG_DELSETELEM, 0);
  message.put_text(NFTA_SET_ELEM_LIST_TABLE, table_).put_text(NFTA_SET_ELEM_LIST_SET, set);
  requests_.push_back({std::move(message), cat("clearing the nftables set '", set, "'")});
}

Result<void> NftBatch::apply(NetlinkSocket& socket) && {
  requests_.push_back({mark(NFNL_MSG_BATCH_END), "changing nftables", 0, false});
  return socket.send(std::move(requests_));
}

}  // namespace proa::netlink
