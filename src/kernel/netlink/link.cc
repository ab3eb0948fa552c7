#include "kernel/netlink/link.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <cerrno>

#include "base/number.h"
#include "kernel/netlink/attributes.h"

#ifndef IN6_ADDR_GEN_MODE_NONE
#define IN6_ADDR_GEN_MODE_NONE 1
#endif

namespace proa::netlink {
namespace {

Message link_message(std::uint16_t flags, unsigned up, unsigned index = 0) {
  ifinfomsg part = {};
  part.ifi_family = AF_UNSPEC;
  part.ifi_index = static_cast<int>(index);
  part.ifi_flags = up;
  part.ifi_change = up;
  Message message(RTM_NEWLINK, flags);
  message.fixed(part);
  return message;
}

Result<std::uint32_t> index_of(const std::string& name) {
  const unsigned index = ::if_nametoindex(name.c_str());
  if (index == 0) return fail_errno("finding the link '", printable(name, 40), "'");
  return index;
}

}  // namespace

Result<std::string> parse_mac(std::string_view text) {
  std::string bytes;
  for (const std::string_view part : split(text, ':')) {
    const Result<std::uint8_t> byte = parse_number<std::uint8_t>(part, 16);
    if (!byte.ok() || part.size() > 2) break;
    bytes += static_cast<char>(byte.value());
  }
  if (bytes.size() != 6 || split(text, ':').size() != 6 || (bytes[0] & 1) != 0) {
    return fail(ErrorKind::invalid_argument, "invalid MAC address '", printable(text, 40), "'");
  }
  return bytes;
}

Result<Request> add_veth(const Veth& veth) {
  Message message = link_message(NLM_F_CREATE | NLM_F_EXCL, 0);
  message.put_text(IFLA_IFNAME, veth.name);
  message.put_number(IFLA_MASTER, TRY(index_of(veth.bridge)));
  if (veth.mtu > 0) message.put_number(IFLA_MTU, veth.mtu);
  message.nest(IFLA_LINKINFO, [&](Message& info) {
    info.put_text(IFLA_INFO_KIND, "veth");
    info.nest(IFLA_INFO_DATA, [&](Message& data) {
      data.nest(VETH_INFO_PEER, [&](Message& peer) {
        // IFF_UP here would be refused after a slow roll-back: the ends are not connected yet.
        peer.fixed(ifinfomsg{});
        peer.put_text(IFLA_IFNAME, veth.peer_name);
        if (!veth.peer_mac.empty()) peer.put(IFLA_ADDRESS, veth.peer_mac);
        if (veth.mtu > 0) peer.put_number(IFLA_MTU, veth.mtu);
        peer.put_number(IFLA_NET_NS_FD, veth.peer_namespace.get());
      });
    });
  });
  return Request{std::move(message),
                 cat("making the link '", veth.name, "' of the bridge '", veth.bridge, "'")};
}

Request add_bridge(const Bridge& bridge) {
  Message message = link_message(NLM_F_CREATE | NLM_F_EXCL, IFF_UP);
  message.put_text(IFLA_IFNAME, bridge.name);
  message.put(IFLA_ADDRESS, bridge.mac);
  if (bridge.mtu > 0) message.put_number(IFLA_MTU, bridge.mtu);
  message.nest(IFLA_LINKINFO, [](Message& info) {
    info.put_text(IFLA_INFO_KIND, "bridge");
    info.nest(IFLA_INFO_DATA,
              [](Message& data) { data.put_number(IFLA_BR_MCAST_SNOOPING, std::uint8_t{0}); });
  });
  return {std::move(message), cat("making the bridge '", bridge.name, "'"), EEXIST};
}

Request no_link_local(const std::string& name) {
  Message message = link_message(0, 0);
  message.put_text(IFLA_IFNAME, name);
  message.nest(IFLA_AF_SPEC | NLA_F_NESTED, [](Message& families) {
    families.nest(AF_INET6 | NLA_F_NESTED, [](Message& family) {
      family.put_number(IFLA_INET6_ADDR_GEN_MODE, std::uint8_t{IN6_ADDR_GEN_MODE_NONE});
    });
  });
  return {std::move(message), cat("setting up the link '", name, "'")};
}

Request prepare_port(const std::string& name, Hairpin hairpin) {
  Request request = no_link_local(name);
  if (hairpin == Hairpin::yes) {
    request.message.nest(IFLA_LINKINFO | NLA_F_NESTED, [](Message& info) {
      info.nest(IFLA_INFO_SLAVE_DATA | NLA_F_NESTED,
                [](Message& data) { data.put_number(IFLA_BRPORT_MODE, std::uint8_t{1}); });
    });
  }
  return request;
}

Request set_up(const std::string& name) {
  Message message = link_message(0, IFF_UP);
  message.put_text(IFLA_IFNAME, name);
  return {std::move(message), cat("bringing the link '", name, "' up")};
}

Request set_up_index(std::uint32_t index) {
  return {link_message(0, IFF_UP, index), cat("bringing link ", index, " up")};
}

Result<Request> set_bridge(const std::string& name, const std::string& bridge, std::uint32_t mtu) {
  Message message = link_message(0, 0);
  message.put_text(IFLA_IFNAME, name);
  message.put_number(IFLA_MASTER, TRY(index_of(bridge)));
  if (mtu > 0) message.put_number(IFLA_MTU, mtu);
  return Request{std::move(message), cat("making '", name, "' a port of '", bridge, "'")};
}

Request detach(const std::string& name) {
  ifinfomsg part = {};
  part.ifi_change = IFF_UP;
  Message message(RTM_NEWLINK, 0);
  message.fixed(part);
  message.put_text(IFLA_IFNAME, name);
  message.put_number(IFLA_MASTER, std::uint32_t{0});
  return {std::move(message), cat("taking '", name, "' off its bridge")};
}

Request rename_link(std::uint32_t index, const std::string& name) {
  Message message = link_message(0, 0, index);
  message.put_text(IFLA_IFNAME, name);
  return {std::move(message), cat("naming a link '", name, "'")};
}

Request remove_link(const std::string& name) {
  Message message(RTM_DELLINK, 0);
  message.fixed(ifinfomsg{});
  message.put_text(IFLA_IFNAME, name);
  return {std::move(message), cat("removing the link '", name, "'"), ENODEV};
}

Request add_address(std::uint32_t index, const HostAddress& address) {
  ifaddrmsg part = {};
  part.ifa_family = address.address.is_v6() ? AF_INET6 : AF_INET;
  part.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix);
  part.ifa_flags = IFA_F_NODAD;
  part.ifa_index = index;
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
  message.fixed(part);
  message.put(IFA_LOCAL, address.address.bytes());
  message.put(IFA_ADDRESS, address.address.bytes());
  if (!address.address.is_v6()) {
    const std::uint32_t last =
        Subnet{address.address.masked(address.prefix), address.prefix}.size();
    message.put(IFA_BROADCAST, address.address.masked(address.prefix).plus(last - 1).bytes());
  }
  return {std::move(message), cat("adding the address ", address.text()), EEXIST};
}

Request add_default_route(std::uint32_t index, const IpAddress& gateway, std::uint32_t metric) {
  rtmsg part = {};
  part.rtm_family = gateway.is_v6() ? AF_INET6 : AF_INET;
  part.rtm_table = RT_TABLE_MAIN;
  part.rtm_protocol = RTPROT_STATIC;
  part.rtm_scope = RT_SCOPE_UNIVERSE;
  part.rtm_type = RTN_UNICAST;
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  message.fixed(part);
  message.put(RTA_GATEWAY, gateway.bytes());
  message.put_number(RTA_OIF, index);
  message.put_number(RTA_PRIORITY, metric);
  return {std::move(message), cat("adding the route through ", gateway.text())};
}

namespace {

LinkFacts facts_of(std::string_view answer) {
  LinkFacts facts;
  const auto part = front_of<ifinfomsg>(answer);
  if (!part) return facts;
  const std::string_view attributes = behind(answer, sizeof *part);
  const auto text_of = [](std::string_view bytes) {
    return std::string(bytes.substr(0, bytes.find('\0')));
  };
  facts.index = static_cast<std::uint32_t>(part->ifi_index);
  if (const auto name = find_attribute(attributes, IFLA_IFNAME)) facts.name = text_of(*name);
  if (const auto mac = find_attribute(attributes, IFLA_ADDRESS)) facts.mac = *mac;
  if (const auto mtu = find_attribute(attributes, IFLA_MTU)) {
    facts.mtu = front_of<std::uint32_t>(*mtu).value_or(0);
  }
  if (const auto master = find_attribute(attributes, IFLA_MASTER)) {
    facts.master = cat(front_of<std::uint32_t>(*master).value_or(0));
  }
  if (const auto info = find_attribute(attributes, IFLA_LINKINFO)) {
    if (const auto kind = find_attribute(*info, IFLA_INFO_KIND)) facts.kind = text_of(*kind);
  }
  return facts;
}

}  // namespace

Result<LinkFacts> find_link(NetlinkSocket& socket, const std::string& name) {
  Message message(RTM_GETLINK, 0);
  message.fixed(ifinfomsg{});
  message.put_text(IFLA_IFNAME, name);
  LinkFacts facts;
  TRY(socket.query({std::move(message), cat("finding the link '", name, "'")},
                   [&](std::string_view answer) { facts = facts_of(answer); }));
  return facts;
}

Result<std::vector<LinkFacts>> list_links(NetlinkSocket& socket) {
  Message message(RTM_GETLINK, NLM_F_DUMP);
  message.fixed(ifinfomsg{});
  std::vector<LinkFacts> links;
  TRY(socket.query({std::move(message), "listing links"},
                   [&](std::string_view answer) { links.push_back(facts_of(answer)); }));
  return links;
}

Result<std::vector<Subnet>> routed_subnets(NetlinkSocket& socket) {
  std::vector<Subnet> subnets;
  Message routes(RTM_GETROUTE, NLM_F_DUMP);
  routes.fixed(rtmsg{});
  TRY(socket.query({std::move(routes), "listing routes"}, [&](std::string_view answer) {
    const auto part = front_of<rtmsg>(answer);
    if (!part || part->rtm_dst_len == 0 || part->rtm_type != RTN_UNICAST) return;
    const auto bytes = find_attribute(behind(answer, sizeof *part), RTA_DST);
    const auto base = bytes ? IpAddress::from_bytes(*bytes) : std::nullopt;
    if (base) subnets.push_back({base->masked(part->rtm_dst_len), part->rtm_dst_len});
  }));
  Message addresses(RTM_GETADDR, NLM_F_DUMP);
  addresses.fixed(ifaddrmsg{});
  TRY(socket.query({std::move(addresses), "listing addresses"}, [&](std::string_view answer) {
    const auto part = front_of<ifaddrmsg>(answer);
    if (!part) return;
    const auto bytes = find_attribute(behind(answer, sizeof *part), IFA_ADDRESS);
    const auto base = bytes ? IpAddress::from_bytes(*bytes) : std::nullopt;
    if (base) subnets.push_back({base->masked(part->ifa_prefixlen), part->ifa_prefixlen});
  }));
  return subnets;
}

}  // namespace proa::netlink
