#include "kernel/netlink/conntrack.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <cerrno>

#include "kernel/netlink/attributes.h"

namespace proa::netlink {
namespace {

constexpr std::uint16_t message_type(int number) {
  return static_cast<std::uint16_t>((NFNL_SUBSYS_CTNETLINK << 8) | number);
}

std::uint16_t port_in(std::string_view protocol, int attribute) {
  const auto bytes = find_attribute(protocol, attribute);
  const auto number = bytes ? front_of<std::uint16_t>(*bytes) : std::nullopt;
  return number ? __builtin_bswap16(*number) : std::uint16_t{0};
}

// Nothing where it is of another protocol, or not to be understood.
std::optional<ConnectionEnds> ends_in(std::string_view tuple, std::uint8_t family,
                                      std::uint8_t protocol) {
  const auto addresses = find_attribute(tuple, CTA_TUPLE_IP);
  const auto transport = find_attribute(tuple, CTA_TUPLE_PROTO);
  if (!addresses || !transport) return std::nullopt;
  const auto number = find_attribute(*transport, CTA_PROTO_NUM);
  if (!number || number->empty() || static_cast<std::uint8_t>(number->front()) != protocol) {
    return std::nullopt;
  }
  const bool v4 = family == AF_INET;
  const auto source = find_attribute(*addresses, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC);
  const auto destination = find_attribute(*addresses, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST);
  const auto from = source ? IpAddress::from_bytes(*source) : std::nullopt;
  const auto to = destination ? IpAddress::from_bytes(*destination) : std::nullopt;
  if (!from || !to) return std::nullopt;
  return ConnectionEnds{*from, *to, port_in(*transport, CTA_PROTO_SRC_PORT),
                        port_in(*transport, CTA_PROTO_DST_PORT)};
}

}  // namespace

Result<std::vector<Connection>> list_connections(NetlinkSocket& socket, std::uint8_t family,
                                                 std::uint8_t protocol) {
  Message message(message_type(IPCTNL_MSG_CT_GET), NLM_F_DUMP);
  message.fixed(nfgenmsg{family, NFNETLINK_V0, 0});
  std::vector<Connection> connections;
  TRY(socket.query({std::move(message), "listing connections"}, [&](std::string_view answer) {
    const std::string_view attributes = behind(answer, sizeof(nfgenmsg));
    const auto key = find_attribute(attributes, CTA_TUPLE_ORIG);
    const auto back = find_attribute(attributes, CTA_TUPLE_REPLY);
    if (!key || !back) return;
    const auto original = ends_in(*key, family, protocol);
    const auto reply = ends_in(*back, family, protocol);
    if (!original || !reply) return;
    const auto id = find_attribute(attributes, CTA_ID);
    connections.push_back({*original, *reply, std::string(*key), std::string(id.value_or(""))});
  }));
  return connections;
}

Request forget_connection(std::uint8_t family, const Connection& connection) {
  Message message(message_type(IPCTNL_MSG_CT_DELETE), 0);
  message.fixed(nfgenmsg{family, NFNETLINK_V0, 0});
  message.put(CTA_TUPLE_ORIG | NLA_F_NESTED, connection.key);
  if (!connection.id.empty()) message.put(CTA_ID, connection.id);
  return {std::move(message),
          cat("forgetting the connection to ", connection.original.destination.text()), ENOENT};
}

}  // namespace proa::netlink
