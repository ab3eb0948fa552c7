#include "network/dns/message.h"

#include <algorithm>

#include "base/number.h"

namespace proa::network {
namespace {

constexpr std::uint32_t kLifetime = 5;  // seconds: of our own records, which change with workloads
constexpr std::size_t kLongestName = 255;
constexpr std::uint16_t kResponse = 0x8000, kTruncated = 0x0200, kDesired = 0x0100,
                        kAvailable = 0x0080, kAuthoritative = 0x0400;

std::uint16_t get16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(bytes[at]) << 8) |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

std::uint32_t get32(std::string_view bytes, std::size_t at) {
  return (std::uint32_t{get16(bytes, at)} << 16) | get16(bytes, at + 2);
}

void put16(std::string& out, std::uint16_t number) {
  out += static_cast<char>(number >> 8);
  out += static_cast<char>(number & 0xff);
}

void put32(std::string& out, std::uint32_t number) {
  put16(out, static_cast<std::uint16_t>(number >> 16));
  put16(out, static_cast<std::uint16_t>(number & 0xffff));
}

void put16_at(std::string& out, std::size_t at, std::uint16_t number) {
  out[at] = static_cast<char>(number >> 8);
  out[at + 1] = static_cast<char>(number & 0xff);
}

// Reads a name without pointers and moves `at` behind it.
Result<std::string> read_name(std::string_view message, std::size_t& at) {
  std::string name;
  while (true) {
    if (at >= message.size()) return fail(ErrorKind::invalid_argument, "a name is cut short");
    const std::size_t length = static_cast<unsigned char>(message[at++]);
    if (length == 0) return name;
    if (length > 63 || at + length > message.size() || name.size() + length > kLongestName) {
      return fail(ErrorKind::invalid_argument, "a name is badly formed");
    }
    const std::string_view label = message.substr(at, length);
    // As text it would be another name, whose answers are kept by it.
    if (label.find('.') != label.npos) {
      return fail(ErrorKind::invalid_argument, "a label of a name holds a dot");
    }
    if (!name.empty()) name += '.';
    name += to_lower(label);
    at += length;
  }
}

// Moves `at` behind a name that may end in a pointer; the pointer is not followed.
bool skip_name(std::string_view message, std::size_t& at) {
  while (at < message.size()) {
    const std::size_t length = static_cast<unsigned char>(message[at]);
    if (length >= 0xc0) {
      at += 2;
      return at <= message.size();
    }
    if (length > 63) return false;
    at += 1 + length;
    if (length == 0) return at <= message.size();
  }
  return false;
}

std::string start_answer(const DnsQuestion& question, DnsCode code) {
  std::string out;
  put16(out, question.id);
  const std::uint16_t flags = static_cast<std::uint16_t>(
      kResponse | kAvailable | (question.recursion_desired ? kDesired : 0) |
      (code == DnsCode::ok || code == DnsCode::no_such_name ? kAuthoritative : 0) |
      static_cast<std::uint16_t>(code));
  put16(out, flags);
  put16(out, 1);
  for (int section = 0; section < 3; ++section) put16(out, 0);
  return out + question.section;
}

// The record that says how much we take, where the client sent one.
void finish_answer(std::string& out, const DnsQuestion& question) {
  if (!question.edns) return;
  out += '\0';
  put16(out, static_cast<std::uint16_t>(DnsType::opt));
  put16(out, kLargestUdp);
  put32(out, 0);
  put16(out, 0);
  put16_at(out, 10, 1);
}

void put_record(std::string& out, DnsType type, std::string_view data) {
  put16(out, 0xc000 | kDnsHeader);  // the question's name
  put16(out, static_cast<std::uint16_t>(type));
  put16(out, 1);
  put32(out, kLifetime);
  put16(out, static_cast<std::uint16_t>(data.size()));
  out += data;
  put16_at(out, 6, static_cast<std::uint16_t>(get16(out, 6) + 1));
}

}  // namespace

Result<DnsQuestion> parse_question(std::string_view message) {
  if (message.size() < kDnsHeader) return fail(ErrorKind::invalid_argument, "a query is cut short");
  const std::uint16_t flags = get16(message, 2);
  if ((flags & kResponse) != 0 || (flags & 0x7800) != 0 || get16(message, 4) != 1) {
    return fail(ErrorKind::invalid_argument, "not a query with one question");
  }
  DnsQuestion question;
  question.id = get16(message, 0);
  question.recursion_desired = (flags & kDesired) != 0;
  std::size_t at = kDnsHeader;
  question.name = TRY(read_name(message, at));
  if (at + 4 > message.size()) return fail(ErrorKind::invalid_argument, "a question is cut short");
  question.type = static_cast<DnsType>(get16(message, at));
  question.dns_class = get16(message, at + 2);
  at += 4;
  question.section = message.substr(kDnsHeader, at - kDnsHeader);
  // EDNS: a record of type OPT with the root's name, among the additional ones.
  if (get16(message, 6) == 0 && get16(message, 8) == 0 && get16(message, 10) == 1 &&
      at + 11 <= message.size() && message[at] == '\0' &&
      get16(message, at + 1) == static_cast<std::uint16_t>(DnsType::opt)) {
    question.edns = true;
    question.udp_size = std::clamp<std::size_t>(get16(message, at + 3), kPlainUdp, kLargestUdp);
  }
  return question;
}

std::string make_refusal(const DnsQuestion& question, DnsCode code) {
  std::string out = start_answer(question, code);
  finish_answer(out, question);
  return out;
}

std::optional<std::string> make_format_error(std::string_view message) {
  if (message.size() < kDnsHeader || (get16(message, 2) & kResponse) != 0) return std::nullopt;
  std::string out(message.substr(0, 2));
  put16(out,
        static_cast<std::uint16_t>(kResponse | static_cast<std::uint16_t>(DnsCode::format_error)));
  out.resize(kDnsHeader, '\0');
  return out;
}

std::string make_addresses(const DnsQuestion& question, const std::vector<IpAddress>& addresses,
                           std::size_t limit) {
  std::string out = start_answer(question, DnsCode::ok);
  const std::size_t reserve = question.edns ? 11 : 0;
  for (const IpAddress& address : addresses) {
    const std::string_view bytes = address.bytes();
    if (out.size() + 12 + bytes.size() + reserve > limit) {
      put16_at(out, 2, static_cast<std::uint16_t>(get16(out, 2) | kTruncated));
      break;
    }
    put_record(out, address.is_v6() ? DnsType::aaaa : DnsType::a, bytes);
  }
  finish_answer(out, question);
  return out;
}

std::string make_pointer(const DnsQuestion& question, const std::string& name) {
  std::string out = start_answer(question, DnsCode::ok);
  std::string data;
  for (const std::string_view label : split(name, '.')) {
    const std::string_view kept = label.substr(0, 63);
    if (kept.empty()) continue;
    data += static_cast<char>(kept.size());
    data += kept;
  }
  data += '\0';
  put_record(out, DnsType::ptr, data);
  finish_answer(out, question);
  return out;
}

std::optional<IpAddress> address_of_pointer(std::string_view name) {
  constexpr std::string_view kV4 = ".in-addr.arpa", kV6 = ".ip6.arpa";
  if (name.ends_with(kV4)) {
    std::vector<std::string_view> parts = split(name.substr(0, name.size() - kV4.size()), '.');
    std::ranges::reverse(parts);
    std::string text;
    for (const std::string_view part : parts) text += cat(text.empty() ? "" : ".", part);
    const Result<IpAddress> address = IpAddress::parse(text);
    if (!address.ok() || address.value().is_v6()) return std::nullopt;
    return address.value();
  }
  if (!name.ends_with(kV6)) return std::nullopt;
  const auto parts = split(name.substr(0, name.size() - kV6.size()), '.');
  if (parts.size() != 32) return std::nullopt;
  std::string bytes(16, '\0');
  for (std::size_t at = 0; at < 32; ++at) {
    const Result<std::uint8_t> digit = parse_number<std::uint8_t>(parts[31 - at], 16);
    if (!digit.ok() || parts[31 - at].size() != 1) return std::nullopt;
    const int value = (static_cast<unsigned char>(bytes[at / 2]) << 4) | digit.value();
    bytes[at / 2] = static_cast<char>(value & 0xff);
  }
  return IpAddress::from_bytes(bytes);
}

Result<DnsAnswer> check_answer(std::string_view message, const DnsQuestion& question,
                               std::uint16_t id) {
  constexpr std::uint32_t kLongest = 300, kNegative = 30;
  const auto bad = [] {
    return fail(ErrorKind::corrupt, "a name server's answer is badly formed");
  };
  if (message.size() < kDnsHeader || get16(message, 0) != id) return bad();
  const std::uint16_t flags = get16(message, 2);
  if ((flags & kResponse) == 0 || get16(message, 4) != 1) return bad();
  std::size_t at = kDnsHeader;
  const Result<std::string> name = read_name(message, at);
  if (!name.ok() || name.value() != question.name || at + 4 > message.size() ||
      get16(message, at) != static_cast<std::uint16_t>(question.type) ||
      get16(message, at + 2) != question.dns_class) {
    return bad();
  }
  at += 4;
  DnsAnswer answer;
  answer.code = static_cast<DnsCode>(flags & 0xf);
  answer.truncated = (flags & kTruncated) != 0;
  const std::uint16_t answers = get16(message, 6);
  const std::uint32_t records = std::uint32_t{answers} + get16(message, 8) + get16(message, 10);
  answer.lifetime = answer.code == DnsCode::ok && answers > 0 ? kLongest : kNegative;
  for (std::uint32_t record = 0; record < records; ++record) {
    if (!skip_name(message, at) || at + 10 > message.size()) return bad();
    const auto type = static_cast<DnsType>(get16(message, at));
    const std::uint16_t length = get16(message, at + 8);
    if (type != DnsType::opt) {  // whose TTL field is no lifetime
      answer.lifetime = std::min(answer.lifetime, get32(message, at + 4));
      answer.lifetime_offsets.push_back(at + 4);
    }
    at += 10U + length;
    if (at > message.size()) return bad();
  }
  return answer;
}

void set_id(std::string& message, std::uint16_t id) { put16_at(message, 0, id); }

}  // namespace proa::network
