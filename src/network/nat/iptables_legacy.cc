#include "network/nat/iptables_legacy.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/number.h"
#include "kernel/file/file.h"
#include "kernel/process/child.h"

namespace proa::network {
namespace {

constexpr std::chrono::seconds kLimit{10};

struct Version {
  const char* tables;  // those in use, a line each
  const char* program;
};
constexpr Version kVersions[] = {
    {"/proc/thread-self/net/ip_tables_names", "/usr/sbin/iptables-legacy"},
    {"/proc/thread-self/net/ip6_tables_names", "/usr/sbin/ip6tables-legacy"}};
// What comes from the bridge, and what goes to it.
constexpr const char* kDirections[] = {"-i", "-o"};

bool in_use(const Version& version) {
  const Result<std::string> tables = file::read_file(version.tables);
  if (!tables.ok()) return false;
  const auto names = split(tables.value(), '\n');
  return std::ranges::find(names, "filter") != names.end();
}

// "-C" asks for the rule, "-I" puts it in front, "-D" takes it away. Gives whether it did.
Result<bool> carry_out(const Version& version, const char* action, const char* direction,
                       const std::string& bridge) {
  const Fd silent = TRY(file::open("/dev/null", O_WRONLY));
  process::Spawn spawn;
  spawn.program = version.program;
  spawn.arguments = {version.program, "--wait", "5",  action,  "FORWARD",
                     direction,       bridge,   "-j", "ACCEPT"};
  spawn.standard_output = silent;
  spawn.standard_error = silent;
  process::Child child = TRY(process::Child::spawn(spawn));
  const std::optional<process::End> end = TRY(child.wait_for(kLimit));
  if (!end) return fail(ErrorKind::timeout, version.program, " does not come to an end");
  return process::shell_code(*end) == 0;
}

}  // namespace

Result<void> allow_in_legacy(const std::string& bridge) {
  for (const Version& version : kVersions) {
    if (!in_use(version)) continue;
    for (const char* direction : kDirections) {
      if (TRY(carry_out(version, "-C", direction, bridge))) continue;
      if (TRY(carry_out(version, "-I", direction, bridge))) continue;
      return fail(ErrorKind::unavailable, "'", version.program, " -I FORWARD ", direction, " ",
                  bridge, " -j ACCEPT' failed");
    }
  }
  return {};
}

Result<void> forget_in_legacy(const std::string& bridge) {
  for (const Version& version : kVersions) {
    if (!in_use(version)) continue;
    for (const char* direction : kDirections) {
      TRY(carry_out(version, "-D", direction, bridge));  // no: somebody took it away
    }
  }
  return {};
}

}  // namespace proa::network
