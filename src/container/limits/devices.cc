#include "container/limits/devices.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/text.h"

namespace proa::container::limits {
namespace {

using oci::runtime::DeviceAccess;
using oci::runtime::DeviceRule;
using oci::runtime::DeviceType;

constexpr DeviceAccess kAll{.read = true, .write = true, .mknod = true};

// What every container may use, whatever its configuration says; the specification's default
// devices with Docker's and runc's leave to make any node, which opens none.
std::vector<DeviceRule> default_rules() {
  const DeviceAccess mknod{.mknod = true};
  const auto character = [](std::uint32_t major, std::optional<std::uint32_t> minor) {
    return DeviceRule{.allow = true,
                      .type = DeviceType::character,
                      .major = major,
                      .minor = minor,
                      .access = kAll};
  };
  return {
      {.allow = true, .type = DeviceType::character, .access = mknod},
      {.allow = true, .type = DeviceType::block, .access = mknod},
      character(1, 3),               // null
      character(1, 5),               // zero
      character(1, 7),               // full
      character(1, 8),               // random
      character(1, 9),               // urandom
      character(5, 0),               // tty
      character(5, 1),               // console
      character(5, 2),               // ptmx
      character(136, std::nullopt),  // pts
  };
}

bool is_everything(const DeviceRule& rule) {
  return rule.type == DeviceType::all && !rule.major && !rule.minor && rule.access == kAll;
}

char letter(DeviceType type) {
  switch (type) {
    case DeviceType::all:
      return 'a';
    case DeviceType::character:
      return 'c';
    case DeviceType::block:
      return 'b';
  }
  CHECK(false);
}

std::string number_text(const std::optional<std::uint32_t>& number) {
  return number ? cat(*number) : "*";
}

std::string access_text(const DeviceAccess& access) {
  return cat(access.read ? "r" : "", access.write ? "w" : "", access.mknod ? "m" : "");
}

}  // namespace

std::vector<DeviceRule> effective_device_rules(const std::vector<DeviceRule>& asked) {
  // What stands before a rule for everything has no effect.
  const auto last = std::ranges::find_if(asked.rbegin(), asked.rend(), is_everything);
  std::vector<DeviceRule> rules;
  if (last == asked.rend()) rules.push_back({.allow = false, .access = kAll});
  std::copy(last == asked.rend() ? asked.begin() : std::prev(last.base()), asked.end(),
            std::back_inserter(rules));
  if (rules.front().allow) return rules;
  const bool any_denied = std::ranges::any_of(std::next(rules.begin()), rules.end(),
                                              [](const DeviceRule& rule) { return !rule.allow; });
  for (const DeviceRule& rule : default_rules()) {
    const bool known = std::ranges::find(rules, rule) != rules.end();
    if (any_denied || !known) rules.push_back(rule);
  }
  return rules;
}

Writes device_writes(const std::vector<DeviceRule>& rules) {
  Writes writes;
  for (const DeviceRule& rule : rules) {
    const std::string access = access_text(rule.access);
    if (access.empty()) continue;
    const char* file = rule.allow ? "devices.allow" : "devices.deny";
    if (is_everything(rule)) {
      writes.push_back({file, "a"});
      continue;
    }
    const std::string numbers = cat(number_text(rule.major), ":", number_text(rule.minor));
    // "a" means everything to the kernel, whatever follows it.
    const bool both = rule.type == DeviceType::all;
    for (const char type : {both ? 'b' : letter(rule.type), both ? 'c' : '\0'}) {
      if (type != '\0') writes.push_back({file, cat(type, " ", numbers, " ", access)});
    }
  }
  return writes;
}

}  // namespace proa::container::limits
