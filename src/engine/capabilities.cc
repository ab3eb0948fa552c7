#include "engine/capabilities.h"

#include <algorithm>
#include <array>
#include <set>

#include "oci/runtime/spec.h"

namespace proa::engine {
namespace {

// What docker gives.
constexpr std::array kDefaultCapabilities = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE"};

std::set<std::string> all_capabilities() {
  std::set<std::string> names;
  for (int number = 0; number < oci::runtime::capability_count(); ++number) {
    names.emplace(oci::runtime::capability_name(number));
  }
  return names;
}

std::string full_capability(const std::string& text) {
  std::string name = text;
  for (char& letter : name) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  return name.starts_with("CAP_") || name == "ALL" ? name : cat("CAP_", name);
}

}  // namespace

Result<std::vector<std::string>> capabilities_of(const Config& config) {
  const std::set<std::string> known = all_capabilities();
  std::set<std::string> held(kDefaultCapabilities.begin(), kDefaultCapabilities.end());
  const auto change = [&](const std::vector<std::string>& names, bool add) -> Result<void> {
    for (const std::string& text : names) {
      const std::string name = full_capability(text);
      if (name == "ALL") {
        held = add ? known : std::set<std::string>();
      } else if (!known.contains(name)) {
        return fail(ErrorKind::invalid_argument, "invalid capability: \"", printable(text), "\"");
      } else if (add) {
        held.insert(name);
      } else {
        held.erase(name);
      }
    }
    return {};
  };
  if (config.privileged) return std::vector<std::string>(known.begin(), known.end());
  // As docker: a drop of ALL comes first, so that single ones can be added back.
  const auto drops_all = [](const std::string& name) { return full_capability(name) == "ALL"; };
  if (std::ranges::any_of(config.capabilities_drop, drops_all)) held.clear();
  TRY(change(config.capabilities_add, true));
  std::vector<std::string> drops;
  for (const std::string& name : config.capabilities_drop) {
    if (!drops_all(name)) drops.push_back(name);
  }
  TRY(change(drops, false));
  return std::vector<std::string>(held.begin(), held.end());
}

}  // namespace proa::engine
