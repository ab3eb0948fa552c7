#include "engine/capabilities.h"

#include <algorithm>
#include <array>
#include <set>

namespace proa::engine {
namespace {

constexpr std::array kCapabilities = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE"};
constexpr std::array kAllCapabilities = {"CAP_CHOWN",
                                         "CAP_DAC_OVERRIDE",
                                         "CAP_DAC_READ_SEARCH",
                                         "CAP_FOWNER",
                                         "CAP_FSETID",
                                         "CAP_KILL",
                                         "CAP_SETGID",
                                         "CAP_SETUID",
                                         "CAP_SETPCAP",
                                         "CAP_LINUX_IMMUTABLE",
                                         "CAP_NET_BIND_SERVICE",
                                         "CAP_NET_BROADCAST",
                                         "CAP_NET_ADMIN",
                                         "CAP_NET_RAW",
                                         "CAP_IPC_LOCK",
                                         "CAP_IPC_OWNER",
                                         "CAP_SYS_MODULE",
                                         "CAP_SYS_RAWIO",
                                         "CAP_SYS_CHROOT",
                                         "CAP_SYS_PTRACE",
                                         "CAP_SYS_PACCT",
                                         "CAP_SYS_ADMIN",
                                         "CAP_SYS_BOOT",
                                         "CAP_SYS_NICE",
                                         "CAP_SYS_RESOURCE",
                                         "CAP_SYS_TIME",
                                         "CAP_SYS_TTY_CONFIG",
                                         "CAP_MKNOD",
                                         "CAP_LEASE",
                                         "CAP_AUDIT_WRITE",
                                         "CAP_AUDIT_CONTROL",
                                         "CAP_SETFCAP",
                                         "CAP_MAC_OVERRIDE",
                                         "CAP_MAC_ADMIN",
                                         "CAP_SYSLOG",
                                         "CAP_WAKE_ALARM",
                                         "CAP_BLOCK_SUSPEND",
                                         "CAP_AUDIT_READ",
                                         "CAP_PERFMON",
                                         "CAP_BPF",
                                         "CAP_CHECKPOINT_RESTORE"};

std::string full_capability(const std::string& text) {
  std::string name = text;
  for (char& letter : name) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  return name.starts_with("CAP_") || name == "ALL" ? name : cat("CAP_", name);
}

}  // namespace

Result<std::vector<std::string>> capabilities_of(const Config& config) {
  const std::set<std::string> known(kAllCapabilities.begin(), kAllCapabilities.end());
  std::set<std::string> held(kCapabilities.begin(), kCapabilities.end());
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
