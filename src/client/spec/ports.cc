#include "client/spec/ports.h"

#include <cstdint>

#include "base/number.h"
#include "base/text.h"

namespace proa::client {
namespace {

struct Range {
  std::uint16_t first;
  std::uint16_t last;
  unsigned count() const { return last - first + 1U; }
};

Result<Range> parse_range(std::string_view text) {
  const auto [first_text, last_text] = split_once(text, '-');
  const bool single = text.find('-') == std::string_view::npos;
  const auto first = parse_number<std::uint16_t>(first_text);
  const auto last = parse_number<std::uint16_t>(single ? first_text : last_text);
  if (!first.ok() || !last.ok() || first.value() == 0 || first.value() > last.value()) {
    return fail(ErrorKind::invalid_argument, "invalid port '", printable(text), "'");
  }
  return Range{first.value(), last.value()};
}

struct Target {
  Range range;
  std::string protocol;
};

Result<Target> parse_target(std::string_view text) {
  const auto [ports, protocol] = split_once(text, '/');
  std::string lower = text.find('/') == std::string_view::npos ? "tcp" : to_lower(protocol);
  if (lower != "tcp" && lower != "udp" && lower != "sctp") {
    return fail(ErrorKind::invalid_argument, "invalid protocol '", printable(protocol), "'");
  }
  const Range range = TRY(parse_range(ports));
  return Target{range, std::move(lower)};
}

struct Where {
  std::string_view ip;
  std::string_view port;
};

// "ip:port", "port", "[v6]:port", each part possibly empty.
Result<Where> parse_where(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find("]:");
    if (end == std::string_view::npos) {
      return fail(ErrorKind::invalid_argument, "invalid address '", printable(text), "'");
    }
    return Where{text.substr(1, end - 1), text.substr(end + 2)};
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Where{{}, text};
  return Where{text.substr(0, colon), text.substr(colon + 1)};
}

Result<std::vector<PublishedPort>> expand(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const Target target = TRY(parse_target(text.substr(colon + 1)));
  Where where;
  if (colon != std::string_view::npos) where = TRY(parse_where(text.substr(0, colon)));
  // An IPv6 address stands in brackets.
  const bool bracketed = text.starts_with('[');
  const std::string_view digits = bracketed ? "0123456789abcdefABCDEF.:%" : "0123456789.";
  if (where.ip.find_first_not_of(digits) != std::string_view::npos) {
    return fail(ErrorKind::invalid_argument, "invalid address '", printable(where.ip), "'");
  }
  std::vector<PublishedPort> ports;
  std::optional<Range> host;
  if (!where.port.empty()) host = TRY(parse_range(where.port));
  const bool one_of_many = host && target.range.count() == 1 && host->count() > 1;
  if (host && !one_of_many && host->count() != target.range.count()) {
    return fail(ErrorKind::invalid_argument, "the ranges of ports differ in length");
  }
  for (unsigned index = 0; index < target.range.count(); ++index) {
    PublishedPort port{cat(target.range.first + index, "/", target.protocol), std::string(where.ip),
                       ""};
    if (one_of_many) {
      port.host_port = where.port;
    } else if (host) {
      port.host_port = cat(host->first + index);
    }
    ports.push_back(std::move(port));
  }
  return ports;
}

}  // namespace

Result<std::vector<PublishedPort>> parse_publish(std::string_view text) {
  return TRY(expand(text), "invalid published port '", printable(text), "'");
}

Result<std::vector<std::string>> parse_expose(std::string_view text) {
  const Target target = TRY(parse_target(text), "invalid exposed port '", printable(text), "'");
  std::vector<std::string> ports;
  for (unsigned index = 0; index < target.range.count(); ++index) {
    ports.push_back(cat(target.range.first + index, "/", target.protocol));
  }
  return ports;
}

}  // namespace proa::client
