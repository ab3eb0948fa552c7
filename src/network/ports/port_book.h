// Which host ports are published, and by whom. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace proa::network {

// A place on the host: `address` any is every address of its IP version.
struct PortClaim {
  std::uint8_t protocol = 6;  // IPPROTO_*
  IpAddress address;
  std::uint16_t port = 0;
  auto operator<=>(const PortClaim&) const = default;
};

// "tcp", "udp". Errors: unsupported, in docker's words
Result<std::uint8_t> protocol_number(std::string_view name);
std::string_view protocol_name(std::uint8_t number);

// Thread: none of its own; the owner locks.
class PortBook {
 public:
  // Errors: busy (names who has it)
  Result<void> take(const PortClaim& claim, const std::string& holder);
  // All that `holder` took.
  void release(const std::string& holder);
  // Whether somebody has it; the name of who.
  const std::string* holder_of(const PortClaim& claim) const;

 private:
  struct Taken {
    IpAddress address;
    std::string holder;
  };
  std::multimap<std::pair<std::uint8_t, std::uint16_t>, Taken> taken_;
};

// Whether a program of the host listens there.
//
// Errors: busy (names the program, as far as it can be seen), invalid_argument (not an address of
// this host)
Result<void> check_port_free(const PortClaim& claim);
// A port that the host has free at this address now.
Result<std::uint16_t> find_free_port(std::uint8_t protocol, const IpAddress& address);

}  // namespace proa::network
