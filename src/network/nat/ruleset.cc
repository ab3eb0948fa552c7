#include "network/nat/ruleset.h"

// Before the kernel's headers, which define less where this one was there first.
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netlink.h>

#include <map>
#include <set>

#include "kernel/netlink/nft.h"
#include "network/nat/datagrams.h"

namespace proa::network {
namespace {

using netlink::NftBatch;
using netlink::NftElement;
using netlink::NftRule;
using netlink::NftType;
using Elements = std::map<std::string, std::vector<NftElement>>;

constexpr const char* kBridges = "bridges";    // every bridge of ours
constexpr const char* kInternal = "internal";  // those without a way out
constexpr const char* kMasked = "masked";      // those whose workloads go out under our address
constexpr const char* kSame = "same";          // bridge . the same bridge
constexpr const char* kNames4 = "names4";      // bridge . gateway
constexpr const char* kNames6 = "names6";
constexpr const char* kPorts4 = "ports4";  // protocol . port : address . port
constexpr const char* kPorts6 = "ports6";
constexpr const char* kPortsAt4 = "ports4-at";  // address . protocol . port : address . port
constexpr const char* kPortsAt6 = "ports6-at";
constexpr const char* kUser = "proa-user";

constexpr std::uint8_t kTcp = IPPROTO_TCP;
constexpr std::uint8_t kUdp = IPPROTO_UDP;
constexpr std::uint8_t kFamily4 = NFPROTO_IPV4;
constexpr std::uint8_t kFamily6 = NFPROTO_IPV6;

std::string be16(std::uint16_t number) {
  return netlink::pad(
      std::string{static_cast<char>(number >> 8), static_cast<char>(number & 0xff)});
}

void put(Elements& elements, const Filtered& network) {
  const std::string link = netlink::link_key(network.bridge);
  elements[kBridges].push_back({link, {}});
  elements[kSame].push_back({link + link, {}});
  if (network.internal) elements[kInternal].push_back({link, {}});
  if (network.masquerade && !network.internal) elements[kMasked].push_back({link, {}});
  for (const IpAddress& gateway : network.gateways) {
    elements[gateway.is_v6() ? kNames6 : kNames4].push_back(
        {link + std::string(gateway.bytes()), {}});
  }
}

void put(Elements& elements, const Forward& forward) {
  const bool v6 = forward.target.is_v6();
  std::string key = netlink::pad(std::string(1, static_cast<char>(forward.protocol)));
  key += be16(forward.host_port);
  const std::string data = std::string(forward.target.bytes()) + be16(forward.port);
  if (forward.address.is_any()) {
    elements[v6 ? kPorts6 : kPorts4].push_back({key, data});
  } else {
    elements[v6 ? kPortsAt6 : kPortsAt4].push_back(
        {std::string(forward.address.bytes()) + key, data});
  }
}

const std::vector<netlink::NftSet>& sets() {
  using enum NftType;
  static const std::vector<netlink::NftSet> kSets = {
      {kBridges, {link_name}, {}},
      {kInternal, {link_name}, {}},
      {kMasked, {link_name}, {}},
      {kSame, {link_name, link_name}, {}},
      {kNames4, {link_name, ipv4}, {}},
      {kNames6, {link_name, ipv6}, {}},
      {kPorts4, {protocol, port}, {ipv4, port}},
      {kPorts6, {protocol, port}, {ipv6, port}},
      {kPortsAt4, {ipv4, protocol, port}, {ipv4, port}},
      {kPortsAt6, {ipv6, protocol, port}, {ipv6, port}},
  };
  return kSets;
}

// Where workloads ask for names: their gateway's port 53.
void put_names(NftBatch& batch, std::uint16_t names_port) {
  for (const auto& [set, bytes] :
       {std::pair<const char*, std::uint8_t>{kNames4, 4}, {kNames6, 16}}) {
    const std::uint8_t family = bytes == 4 ? kFamily4 : kFamily6;
    for (const std::uint8_t protocol : {kUdp, kTcp}) {
      batch.add_rule("arriving", NftRule()
                                     .family_is(family)
                                     .protocol_is(protocol)
                                     .destination_port_is(53)
                                     .link_and_destination_in(set, bytes)
                                     .redirect_to(names_port));
    }
  }
  for (const std::uint8_t protocol : {kUdp, kTcp}) {
    batch.add_rule("input", NftRule()
                                .protocol_is(protocol)
                                .destination_port_is(names_port)
                                .input_link_in(kBridges, NftRule::Wanted::outside)
                                .drop());
  }
}

// Published ports. Loopback is left to proa-net: what comes from 127.0.0.1 cannot leave the host.
void put_ports(NftBatch& batch) {
  struct Version {
    std::uint8_t family, bytes;
    const char *at, *any;
    std::string loopback;
  };
  std::string v6_loopback(15, '\0');
  v6_loopback += '\1';
  for (const auto& [family, bytes, at, any, loopback] :
       {Version{NFPROTO_IPV4, 4, kPortsAt4, kPorts4, "\x7f"},
        Version{NFPROTO_IPV6, 16, kPortsAt6, kPorts6, v6_loopback}}) {
    batch.add_rule("publish",
                   NftRule().family_is(family).translate_by(at, bytes, NftRule::ByAddress::yes));
    batch.add_rule("publish", NftRule()
                                  .family_is(family)
                                  .destination_is_not(loopback, bytes)
                                  .destination_is_local()
                                  .translate_by(any, bytes, NftRule::ByAddress::no));
  }
  batch.add_rule("arriving", NftRule().jump("publish"));
  batch.add_rule("local", NftRule().jump("publish"));
}

void put_filter(NftBatch& batch) {
  constexpr std::uint32_t kKnown =
      NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED);
  batch.add_rule("forward", NftRule().jump(kUser));
  batch.add_rule("forward", NftRule().state_is(kKnown).accept());
  batch.add_rule("forward", NftRule().links_in(kSame).accept());
  batch.add_rule("forward", NftRule().input_link_in(kInternal).drop());
  batch.add_rule("forward", NftRule().output_link_in(kBridges).status_has(IPS_DST_NAT).accept());
  batch.add_rule("forward", NftRule().output_link_in(kBridges).drop());
  // A connection to a port of one's own network goes back through us, or the answer would come
  // from an address that was never asked.
  batch.add_rule("leaving", NftRule().status_has(IPS_DST_NAT).links_in(kSame).masquerade());
  // The same where bridge netfilter sent it back without routing: then no link is known that it
  // came in by, as with what the host itself sends.
  batch.add_rule("leaving", NftRule()
                                .status_has(IPS_DST_NAT)
                                .input_link_is("")
                                .output_link_in(kBridges)
                                .source_is_foreign()
                                .masquerade());
  batch.add_rule("leaving", NftRule()
                                .input_link_in(kMasked)
                                .output_link_in(kBridges, NftRule::Wanted::outside)
                                .masquerade());
}

}  // namespace

Result<void> RuleSet::install(const std::vector<Filtered>& networks,
                              const std::vector<Forward>& forwards, std::uint16_t names_port) {
  NftBatch batch(table_);
  batch.add_table();
  batch.add_chain(kUser);
  batch.add_chain("publish");
  batch.add_base_chain("arriving", {NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST, "nat"});
  batch.add_base_chain("local", {NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST, "nat"});
  batch.add_base_chain("leaving", {NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC, "nat"});
  batch.add_base_chain("forward", {NF_INET_FORWARD, NF_IP_PRI_FILTER, "filter"});
  batch.add_base_chain("input", {NF_INET_LOCAL_IN, NF_IP_PRI_FILTER, "filter"});
  for (const char* chain : {"publish", "arriving", "local", "leaving", "forward", "input"}) {
    batch.clear_chain(chain);
  }
  for (const netlink::NftSet& set : sets()) {
    batch.add_set(set);
    batch.clear_set(set.name);
  }
  put_names(batch, names_port);
  put_ports(batch);
  put_filter(batch);
  Elements elements;
  for (const Filtered& network : networks) put(elements, network);
  for (const Forward& forward : forwards) put(elements, forward);
  for (const auto& [set, list] : elements) batch.add_elements(set, list);
  netlink::NetlinkSocket socket = TRY(netlink::NetlinkSocket::open(NETLINK_NETFILTER));
  return std::move(batch).apply(socket);
}

Result<void> RuleSet::remove() {
  NftBatch batch(table_);
  batch.remove_table();
  netlink::NetlinkSocket socket = TRY(netlink::NetlinkSocket::open(NETLINK_NETFILTER));
  Result<void> removed = std::move(batch).apply(socket);
  if (!removed.ok() && removed.error().kind() == ErrorKind::not_found) return {};
  return removed;
}

namespace {

enum class Change : bool { add, remove };

Result<void> change(const std::string& table, const Elements& elements, Change how) {
  NftBatch batch(table);
  for (const auto& [set, list] : elements) {
    how == Change::add ? batch.add_elements(set, list) : batch.remove_elements(set, list);
  }
  netlink::NetlinkSocket socket = TRY(netlink::NetlinkSocket::open(NETLINK_NETFILTER));
  Result<void> done = std::move(batch).apply(socket);
  const bool gone = !done.ok() && done.error().kind() == ErrorKind::not_found;
  if (how == Change::remove && gone) return {};
  return done;
}

}  // namespace

Result<void> RuleSet::add(const Filtered& network) {
  Elements elements;
  put(elements, network);
  return change(table_, elements, Change::add);
}

Result<void> RuleSet::remove(const Filtered& network) {
  Elements elements;
  put(elements, network);
  return change(table_, elements, Change::remove);
}

Result<void> RuleSet::add(const std::vector<Forward>& forwards) {
  if (forwards.empty()) return {};
  Elements elements;
  for (const Forward& forward : forwards) put(elements, forward);
  TRY(change(table_, elements, Change::add));
  return forget_datagrams(forwards);
}

Result<void> RuleSet::remove(const std::vector<Forward>& forwards) {
  if (forwards.empty()) return {};
  Elements elements;
  for (const Forward& forward : forwards) put(elements, forward);
  TRY(change(table_, elements, Change::remove));
  return forget_datagrams(forwards);
}

}  // namespace proa::network
