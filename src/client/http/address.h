// Where an engine listens: a unix socket, or a numeric TCP address. No names are looked up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace proa::client {

// Thread: a value.
struct Address {
  enum class Kind : bool { unix_socket, tcp };
  Kind kind = Kind::unix_socket;
  std::string path;  // of a unix socket
  std::string host;  // numeric, without brackets
  std::uint16_t port = 0;
  std::string text;  // as it was given

  // The value of the Host field.
  std::string authority() const;
};

// Reads "unix:///path", "tcp://127.0.0.1:2375", "tcp://[::1]:2375" or "http://...".
//
// Errors: invalid_argument (another scheme, a name instead of an address, a bad port)
Result<Address> parse_address(std::string_view text);

// PROA_HOST, else DOCKER_HOST, else PROA_RUN's or the default socket.
Result<Address> address_from_environment();

inline constexpr std::string_view kDefaultAddress = "unix:///run/proa/proa.sock";

// Errors: unavailable, not_found, permission, by the address's text
Result<Fd> connect(const Address& address);

}  // namespace proa::client
