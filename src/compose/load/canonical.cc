#include "compose/load/canonical.h"

#include <algorithm>
#include <array>

#include "base/number.h"
#include "compose/document/scalars.h"

namespace proa::compose {
namespace {

using Rewrite = Result<void> (*)(Node&);

struct Rule {
  std::string_view key;
  Rewrite rewrite;
};

template <std::size_t kCount>
Result<void> apply(Node& mapping, const std::array<Rule, kCount>& rules) {
  for (const auto& [key, rewrite] : rules) {
    if (Node* value = mapping.find(key)) TRY(rewrite(*value));
  }
  return {};
}

Result<void> list_of_one(Node& value) {
  if (!value.is_scalar()) return {};
  Node list = make_sequence(value.place);
  list.tag = value.tag;
  list.elements.push_back(std::move(value));
  value = std::move(list);
  return {};
}

Result<void> words(Node& value) {
  if (!value.is_scalar()) return {};
  const std::vector<std::string> parts = TRY(split_words(value.text), value.place.text());
  Node list = make_sequence(value.place);
  list.tag = value.tag;
  for (const std::string& part : parts) list.elements.push_back(make_scalar(part, value.place));
  value = std::move(list);
  return {};
}

// A list of "NAME=value" as a mapping; "NAME" alone is a null.
Result<void> pairs(Node& value) {
  if (!value.is_sequence()) return {};
  Node mapping = make_mapping(value.place);
  mapping.tag = value.tag;
  for (const Node& element : value.elements) {
    if (!element.is_scalar()) return element.fault("expected NAME=value");
    const std::size_t sign = element.text.find('=');
    Node given;
    given.place = element.place;
    if (sign != std::string::npos)
      given = make_scalar(element.text.substr(sign + 1), element.place);
    mapping.set(element.text.substr(0, sign), std::move(given));
  }
  value = std::move(mapping);
  return {};
}

// "name:address" or "name=address", as a mapping of lists of addresses.
Result<void> hosts(Node& value) {
  Node mapping = make_mapping(value.place);
  mapping.tag = value.tag;
  const auto add = [&](std::string_view name, const Node& address) -> Result<void> {
    Node list = make_sequence(address.place);
    if (Node* present = mapping.find(name)) list = *present;
    if (address.is_sequence()) {
      std::ranges::copy(address.elements, std::back_inserter(list.elements));
    } else if (address.is_scalar()) {
      list.elements.push_back(address);
    } else {
      return address.fault("expected the address of host '", name, "'");
    }
    mapping.set(name, std::move(list));
    return {};
  };
  if (value.is_sequence()) {
    for (const Node& element : value.elements) {
      const std::size_t sign = element.text.find_first_of("=:");
      if (!element.is_scalar() || sign == std::string::npos || sign == 0) {
        return element.fault("expected NAME=ADDRESS");
      }
      std::string_view address = std::string_view(element.text).substr(sign + 1);
      if (address.starts_with('[') && address.ends_with(']')) {
        address = address.substr(1, address.size() - 2);
      }
      for (const std::string_view one : split(address, ',')) {
        TRY(add(element.text.substr(0, sign), make_scalar(one, element.place)));
      }
    }
  } else if (value.is_mapping()) {
    for (const auto& [name, address] : value.entries) TRY(add(name, address));
  } else {
    return {};
  }
  value = std::move(mapping);
  return {};
}

// A list of names as a mapping, each with what `make` gives.
template <typename Make>
Result<void> named(Node& value, Make make) {
  if (!value.is_sequence()) return {};
  Node mapping = make_mapping(value.place);
  mapping.tag = value.tag;
  for (const Node& element : value.elements) {
    if (!element.is_scalar()) return element.fault("expected a name");
    mapping.set(element.text, make(element));
  }
  value = std::move(mapping);
  return {};
}

Result<void> networks(Node& value) {
  return named(value, [](const Node& name) {
    Node none;
    none.place = name.place;
    return none;
  });
}

Result<void> depends_on(Node& value) {
  TRY(named(value, [](const Node& name) { return make_mapping(name.place); }));
  for (auto& [name, how] : value.entries) {
    if (how.is_null()) how = make_mapping(how.place);
    if (how.is_mapping() && how.find("condition") == nullptr) {
      how.set("condition", make_scalar("service_started", how.place));
    }
  }
  return {};
}

// A scalar, or each scalar of a list, as a mapping with this one key.
template <const char* kKey>
Result<void> keyed(Node& value) {
  const auto wrap = [](Node& node) {
    Node mapping = make_mapping(node.place);
    mapping.tag = node.tag;
    mapping.set(kKey, std::move(node));
    node = std::move(mapping);
  };
  if (value.is_scalar()) wrap(value);
  for (Node& element : value.elements) {
    if (element.is_scalar()) wrap(element);
  }
  return {};
}

constexpr char kSource[] = "source";
constexpr char kContext[] = "context";
constexpr char kService[] = "service";
constexpr char kPath[] = "path";

template <const char* kKey>
Result<void> keyed_list(Node& value) {
  TRY(list_of_one(value));
  return keyed<kKey>(value);
}

Result<void> ports(Node& value) {
  if (!value.is_sequence()) return {};
  std::vector<Node> all;
  const auto add = [&](Node port) {
    // What is said twice is meant once.
    const bool known =
        std::ranges::any_of(all, [&](const Node& present) { return same_meaning(present, port); });
    if (!known) all.push_back(std::move(port));
  };
  for (Node& element : value.elements) {
    if (element.is_mapping()) {
      const std::pair<const char*, const char*> kUsual[] = {{"mode", "ingress"},
                                                            {"protocol", "tcp"}};
      for (const auto& [key, usual] : kUsual) {
        if (element.find(key) == nullptr) element.set(key, make_scalar(usual, element.place));
      }
    }
    if (!element.is_scalar()) {
      add(std::move(element));
      continue;
    }
    std::vector<Node> some = TRY(canonical_ports(element));
    for (Node& port : some) add(std::move(port));
  }
  value.elements = std::move(all);
  return {};
}

// A bare number counts microseconds, as in docker's own flag.
Result<void> microseconds(Node& value) {
  if (value.is_scalar() && parse_number<std::uint64_t>(value.text).ok()) value.text += "us";
  return {};
}

Result<void> volumes(Node& value) {
  for (Node& element : value.elements) {
    if (element.is_scalar()) element = TRY(canonical_volume(element));
  }
  return {};
}

// "/dev/a:/dev/b:rwm"
Result<void> devices(Node& value) {
  for (Node& element : value.elements) {
    if (!element.is_scalar()) continue;
    const std::vector<std::string_view> parts = split(element.text, ':');
    if (parts.size() > 3 || parts[0].empty()) {
      return element.fault("device '", printable(element.text), "': write HOST[:INSIDE[:RIGHTS]]");
    }
    Node device = make_mapping(element.place);
    device.set("source", make_scalar(parts[0], element.place));
    device.set("target", make_scalar(parts.size() > 1 ? parts[1] : parts[0], element.place));
    device.set("permissions", make_scalar(parts.size() > 2 ? parts[2] : "rwm", element.place));
    element = std::move(device);
  }
  return {};
}

Result<void> ulimits(Node& value) {
  for (auto& [name, limit] : value.entries) {
    if (!limit.is_scalar()) continue;
    Node both = make_mapping(limit.place);
    both.set("soft", limit);
    both.set("hard", limit);
    limit = std::move(both);
  }
  return {};
}

Result<void> health(Node& value) {
  Node* test = value.find("test");
  if (test == nullptr || !test->is_scalar()) return {};
  Node list = make_sequence(test->place);
  list.elements.push_back(make_scalar("CMD-SHELL", test->place));
  list.elements.push_back(std::move(*test));
  *test = std::move(list);
  return {};
}

Result<void> build(Node& value) {
  static constexpr std::array<Rule, 7> kRules = {{{"args", pairs},
                                                  {"labels", pairs},
                                                  {"extra_hosts", hosts},
                                                  {"secrets", keyed<kSource>},
                                                  {"cache_from", list_of_one},
                                                  {"tags", list_of_one},
                                                  {"ulimits", ulimits}}};
  TRY(keyed<kContext>(value));
  return apply(value, kRules);
}

Result<void> deploy(Node& value) {
  static constexpr std::array<Rule, 1> kRules = {{{"labels", pairs}}};
  return apply(value, kRules);
}

Result<void> service(Node& value) {
  static constexpr std::array<Rule, 29> kRules = {{{"command", words},
                                                   {"cpu_period", microseconds},
                                                   {"entrypoint", words},
                                                   {"environment", pairs},
                                                   {"labels", pairs},
                                                   {"annotations", pairs},
                                                   {"sysctls", pairs},
                                                   {"env_file", keyed_list<kPath>},
                                                   {"extra_hosts", hosts},
                                                   {"ports", ports},
                                                   {"volumes", volumes},
                                                   {"devices", devices},
                                                   {"ulimits", ulimits},
                                                   {"networks", networks},
                                                   {"depends_on", depends_on},
                                                   {"configs", keyed<kSource>},
                                                   {"secrets", keyed<kSource>},
                                                   {"build", build},
                                                   {"healthcheck", health},
                                                   {"deploy", deploy},
                                                   {"extends", keyed<kService>},
                                                   {"tmpfs", list_of_one},
                                                   {"dns", list_of_one},
                                                   {"dns_search", list_of_one},
                                                   {"dns_opt", list_of_one},
                                                   {"label_file", list_of_one},
                                                   {"group_add", list_of_one},
                                                   {"expose", list_of_one},
                                                   {"profiles", list_of_one}}};
  return apply(value, kRules);
}

// `external: {name: x}` of old files, and definitions without anything.
Result<void> definition(Node& value) {
  if (value.is_null()) value = make_mapping(value.place);
  if (Node* external = value.find("external"); external != nullptr && external->is_mapping()) {
    if (const Node* name = external->find("name")) value.set("name", *name);
    *value.find("external") = make_scalar("true", value.place);
  }
  static constexpr std::array<Rule, 1> kRules = {{{"labels", pairs}}};
  return apply(value, kRules);
}

template <Rewrite kRewrite>
Result<void> each(Node& value) {
  for (auto& [name, entry] : value.entries) TRY(kRewrite(entry));
  return {};
}

Result<void> includes(Node& value) {
  TRY(keyed_list<kPath>(value));
  static constexpr std::array<Rule, 2> kRules = {
      {{"path", list_of_one}, {"env_file", list_of_one}}};
  for (Node& element : value.elements) TRY(apply(element, kRules));
  return {};
}

}  // namespace

Result<void> make_canonical(Node& root) {
  static constexpr std::array<Rule, 6> kRules = {{{"services", each<service>},
                                                  {"networks", each<definition>},
                                                  {"volumes", each<definition>},
                                                  {"configs", each<definition>},
                                                  {"secrets", each<definition>},
                                                  {"include", includes}}};
  return apply(root, kRules);
}

}  // namespace proa::compose
