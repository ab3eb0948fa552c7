#include "network/ports/port_book.h"

#include <netinet/in.h>

namespace proa::network {

Result<std::uint8_t> protocol_number(std::string_view name) {
  if (name == "tcp" || name.empty()) return std::uint8_t{IPPROTO_TCP};
  if (name == "udp") return std::uint8_t{IPPROTO_UDP};
  return fail(ErrorKind::unsupported, "invalid port protocol: ", printable(name, 20),
              " (tcp and udp can be published)");
}

std::string_view protocol_name(std::uint8_t number) {
  return number == IPPROTO_UDP ? "udp" : "tcp";
}

const std::string* PortBook::holder_of(const PortClaim& claim) const {
  const auto [first, last] = taken_.equal_range({claim.protocol, claim.port});
  for (auto taken = first; taken != last; ++taken) {
    const IpAddress& other = taken->second.address;
    if (other.is_v6() != claim.address.is_v6()) continue;
    if (other == claim.address || other.is_any() || claim.address.is_any()) {
      return &taken->second.holder;
    }
  }
  return nullptr;
}

Result<void> PortBook::take(const PortClaim& claim, const std::string& holder) {
  if (const std::string* other = holder_of(claim)) {
    return fail(ErrorKind::busy, "Bind for ", claim.address.text(), ":", claim.port,
                " failed: port is already allocated: container ", *other, " has it");
  }
  taken_.emplace(std::pair(claim.protocol, claim.port), Taken{claim.address, holder});
  return {};
}

void PortBook::release(const std::string& holder) {
  std::erase_if(taken_, [&](const auto& taken) { return taken.second.holder == holder; });
}

}  // namespace proa::network
