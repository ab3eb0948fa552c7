// The short forms with a grammar of their own: ports and volumes.
#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/ip.h"
#include "base/number.h"
#include "compose/load/canonical.h"

namespace proa::compose {
namespace {

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  unsigned count() const { return static_cast<unsigned>(last - first) + 1; }
};

Result<PortRange> parse_range(std::string_view text) {
  const auto [low, high] = split_once(text, '-');
  PortRange range;
  range.first = TRY(parse_number<std::uint16_t>(low));
  range.last = high.empty() ? range.first : TRY(parse_number<std::uint16_t>(high));
  if (range.last < range.first) {
    return fail(ErrorKind::invalid_argument, "range '", text, "' runs backwards");
  }
  return range;
}

struct ShortPort {
  std::string address, published, target, protocol;
};

// [ADDRESS:][PUBLISHED:]TARGET[/PROTOCOL], an IPv6 address in brackets.
ShortPort take_apart(std::string_view text) {
  ShortPort port;
  const auto [front, protocol] = split_once(text, '/');
  port.protocol = protocol.empty() ? "tcp" : to_lower(protocol);
  std::string_view rest = front;
  const std::size_t target = rest.rfind(':');
  if (target == std::string_view::npos) {
    port.target = rest;
    return port;
  }
  port.target = rest.substr(target + 1);
  rest = rest.substr(0, target);
  const std::size_t published = rest.rfind(':');
  if (published == std::string_view::npos) {
    port.published = rest;
    return port;
  }
  port.published = rest.substr(published + 1);
  rest = rest.substr(0, published);
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  port.address = rest;
  return port;
}

Node port_node(const ShortPort& port, unsigned target, std::string_view published,
               const Place& place) {
  Node node = make_mapping(place);
  node.set("mode", make_scalar("ingress", place));
  if (!port.address.empty()) node.set("host_ip", make_scalar(port.address, place));
  Node number = make_scalar(cat(target), place);
  number.quoted = Quoted::no;
  node.set("target", std::move(number));
  if (!published.empty()) node.set("published", make_scalar(published, place));
  node.set("protocol", make_scalar(port.protocol, place));
  return node;
}

// Windows is not meant: a source that is a path begins with one of these.
bool is_path(std::string_view source) {
  return source.starts_with('/') || source.starts_with('.') || source.starts_with('~');
}

Result<void> take_mode(std::string_view mode, const Node& written, Node& volume) {
  static constexpr std::string_view kPropagations[] = {"shared",  "slave",  "private",
                                                       "rshared", "rslave", "rprivate"};
  const Place& place = written.place;
  for (const std::string_view word : split(mode, ',')) {
    if (word == "ro") {
      volume.set("read_only", make_scalar("true", place));
    } else if (word == "rw" || word == "z" || word == "Z" || word == "cached" ||
               word == "delegated" || word == "consistent") {
      // Writing is the default, and nothing here needs a label.
    } else if (word == "nocopy") {
      volume.set("volume", make_mapping(place)).set("nocopy", make_scalar("true", place));
    } else if (std::ranges::find(kPropagations, word) != std::end(kPropagations)) {
      Node* bind = volume.find("bind");
      if (bind == nullptr) bind = &volume.set("bind", make_mapping(place));
      bind->set("propagation", make_scalar(word, place));
    } else {
      return written.fault("volume '", printable(written.text), "': unknown option '",
                           printable(word, 40), "'");
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Node>> canonical_ports(const Node& short_form) {
  const auto context = [&] {
    return cat(short_form.place.text(), ": port '", printable(short_form.text, 80), "'");
  };
  const ShortPort port = take_apart(short_form.text);
  if (!port.address.empty()) TRY(IpAddress::parse(port.address), context());
  const PortRange target = TRY(parse_range(port.target), context());
  std::vector<Node> ports;
  if (port.published.empty()) {
    for (unsigned number = target.first; number <= target.last; ++number) {
      ports.push_back(port_node(port, number, "", short_form.place));
    }
    return ports;
  }
  const PortRange published = TRY(parse_range(port.published), context());
  if (target.count() == 1 && published.count() > 1) {
    ports.push_back(port_node(port, target.first, port.published, short_form.place));
    return ports;
  }
  if (target.count() != published.count()) {
    return short_form.fault("port '", printable(short_form.text, 80),
                            "': the two ranges differ in length");
  }
  for (unsigned at = 0; at < target.count(); ++at) {
    ports.push_back(
        port_node(port, target.first + at, cat(published.first + at), short_form.place));
  }
  return ports;
}

Result<Node> canonical_volume(const Node& short_form) {
  const Place& place = short_form.place;
  const std::vector<std::string_view> parts = split(short_form.text, ':');
  if (parts.size() > 3 || std::ranges::find(parts, std::string_view()) != parts.end()) {
    return short_form.fault("volume '", printable(short_form.text),
                            "': write [SOURCE:]TARGET[:OPTIONS]");
  }
  Node volume = make_mapping(place);
  const bool sourced = parts.size() > 1;
  const bool bound = sourced && is_path(parts[0]);
  volume.set("type", make_scalar(bound ? "bind" : "volume", place));
  if (sourced) volume.set("source", make_scalar(parts[0], place));
  volume.set("target", make_scalar(parts[sourced ? 1 : 0], place));
  if (bound) {
    volume.set("bind", make_mapping(place)).set("create_host_path", make_scalar("true", place));
  }
  if (parts.size() == 3) TRY(take_mode(parts[2], short_form, volume));
  return volume;
}

}  // namespace proa::compose
