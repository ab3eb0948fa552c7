// DNS messages: questions taken apart, answers put together, foreign answers checked. Pure; every
// length and pointer is checked before it is followed.
//
// Spec: RFC 1035, 3596 (AAAA), 6891 (EDNS), 2308 (negative answers)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace proa::network {

enum class DnsType : std::uint16_t { a = 1, ptr = 12, soa = 6, aaaa = 28, opt = 41, any = 255 };
enum class DnsCode : std::uint8_t {
  ok = 0,
  format_error = 1,
  server_failure = 2,
  no_such_name = 3,
  not_implemented = 4,
  refused = 5,
};

constexpr std::size_t kDnsHeader = 12;
constexpr std::size_t kPlainUdp = 512;     // what a client without EDNS takes
constexpr std::size_t kLargestUdp = 1232;  // what we send at most: fits any link unfragmented

struct DnsQuestion {
  std::uint16_t id = 0;
  bool recursion_desired = false;
  std::string name;  // lower case, without the dot at the end: "web.shop"
  DnsType type = DnsType::a;
  std::uint16_t dns_class = 1;
  std::string section;               // the question as it came, for the answer
  std::size_t udp_size = kPlainUdp;  // what the client takes
  bool edns = false;
};

// Errors: invalid_argument (no question, or more than one; not a standard query)
Result<DnsQuestion> parse_question(std::string_view message);

// An answer without records.
std::string make_refusal(const DnsQuestion& question, DnsCode code);
// Only the header, for what could not be parsed; nothing where not even that is there.
std::optional<std::string> make_format_error(std::string_view message);
// Records of version 4 for a question of A, of version 6 for AAAA. As many as fit into `limit`;
// what does not fit sets the truncation bit.
std::string make_addresses(const DnsQuestion& question, const std::vector<IpAddress>& addresses,
                           std::size_t limit);
std::string make_pointer(const DnsQuestion& question, const std::string& name);

// "4.3.2.10.in-addr.arpa" and its sister of version 6; nothing for other names.
std::optional<IpAddress> address_of_pointer(std::string_view name);

// What a checked answer of another server says.
struct DnsAnswer {
  DnsCode code = DnsCode::ok;
  bool truncated = false;
  std::uint32_t lifetime = 0;                 // seconds; the shortest of its records
  std::vector<std::size_t> lifetime_offsets;  // of each record's TTL in the message
};
// Errors: corrupt (not an answer to this question, or badly formed anywhere)
Result<DnsAnswer> check_answer(std::string_view message, const DnsQuestion& question,
                               std::uint16_t id);

// Puts another id in front of a message.
void set_id(std::string& message, std::uint16_t id);

}  // namespace proa::network
