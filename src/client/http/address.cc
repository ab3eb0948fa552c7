#include "client/http/address.h"

#include <cstdlib>

#include "base/number.h"
#include "base/text.h"
#include "kernel/socket/connect.h"

namespace proa::client {
namespace {

constexpr std::uint16_t kDefaultPort = 2375;  // IANA's for Docker without TLS

Result<Address> parse_tcp(std::string_view text, std::string_view rest) {
  Address address{.kind = Address::Kind::tcp, .text = std::string(text)};
  while (rest.ends_with('/')) rest.remove_suffix(1);
  std::string_view port;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) {
      return fail(ErrorKind::invalid_argument, "host '", printable(text), "': ']' is missing");
    }
    address.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (rest.starts_with(':')) port = rest.substr(1);
  } else {
    const auto [host, behind] = split_once(rest, ':');
    address.host = host;
    port = behind;
  }
  if (address.host.empty() || address.host == "localhost") address.host = "127.0.0.1";
  address.port = kDefaultPort;
  if (!port.empty()) {
    const auto number = parse_number<std::uint16_t>(port);
    if (!number.ok() || number.value() == 0) {
      return fail(ErrorKind::invalid_argument, "host '", printable(text), "': bad port");
    }
    address.port = number.value();
  }
  return address;
}

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? nullptr : value;
}

}  // namespace

std::string Address::authority() const {
  if (kind == Kind::unix_socket) return "proa";
  const bool v6 = host.find(':') != std::string::npos;
  return cat(v6 ? "[" : "", host, v6 ? "]:" : ":", port);
}

Result<Address> parse_address(std::string_view text) {
  constexpr std::string_view kUnix = "unix://";
  if (text.starts_with(kUnix) || text.starts_with('/')) {
    const std::string_view path = text.starts_with('/') ? text : text.substr(kUnix.size());
    if (path.empty()) return fail(ErrorKind::invalid_argument, "host '", text, "' has no path");
    return Address{.path = std::string(path), .text = cat(kUnix, path)};
  }
  for (const std::string_view scheme : {"tcp://", "http://"}) {
    if (text.starts_with(scheme)) return parse_tcp(text, text.substr(scheme.size()));
  }
  return fail(ErrorKind::invalid_argument, "host '", printable(text),
              "' is neither unix:///path nor tcp://address:port");
}

Result<Address> address_from_environment() {
  for (const char* name : {"PROA_HOST", "DOCKER_HOST"}) {
    if (const char* value = variable(name)) return parse_address(value);
  }
  if (const char* run = variable("PROA_RUN"))
    return parse_address(cat("unix://", run, "/proa.sock"));
  return parse_address(kDefaultAddress);
}

Result<Fd> connect(const Address& address) {
  if (address.kind == Address::Kind::unix_socket) {
    return TRY(socket::connect_path(address.path), "cannot reach the engine at ", address.text);
  }
  return TRY(socket::connect_tcp(address.host, address.port), "cannot reach the engine at ",
             address.text);
}

}  // namespace proa::client
