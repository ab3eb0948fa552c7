#include "kernel/netlink/nft_watch.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "kernel/netlink/attributes.h"

namespace proa::netlink {
namespace {

constexpr std::uint16_t kNewChain = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWCHAIN;
constexpr std::uint16_t kRuleGone = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_DELRULE;
static_assert(static_cast<int>(NFTA_CHAIN_TABLE) == static_cast<int>(NFTA_RULE_TABLE));

bool concerns(const nlmsghdr& header, std::string_view body, std::string_view table) {
  if (header.nlmsg_type != kNewChain && header.nlmsg_type != kRuleGone) return false;
  const auto name = find_attribute(behind(body, sizeof(nfgenmsg)), NFTA_CHAIN_TABLE);
  return name && name->substr(0, name->find('\0')) == table;
}

}  // namespace

Result<NftWatch> NftWatch::open(std::string table) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER));
  if (!fd.valid()) return fail_errno("opening a netlink socket");
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1U << (NFNLGRP_NFTABLES - 1);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail_errno("listening for changes of nftables");
  }
  return NftWatch(std::move(fd), std::move(table));
}

bool NftWatch::take() const {
  bool found = false;
  std::string buffer(64 << 10, '\0');
  while (true) {
    const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return found;
    if (count < 0 && errno == EINTR) continue;
    const std::string_view datagram(buffer.data(), count < 0 ? 0 : static_cast<std::size_t>(count));
    const Result<void> whole =
        for_each_message(datagram, [&](const nlmsghdr& header, std::string_view body) -> Result<> {
          found = found || concerns(header, body, table_);
          return {};
        });
    // ENOBUFS says that something was dropped; what that was is not known.
    if (count < 0 || !whole.ok()) found = true;
    if (count < 0 && errno != ENOBUFS) return found;
  }
}

}  // namespace proa::netlink
