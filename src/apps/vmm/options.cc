#include "apps/vmm/options.h"

#include <string_view>

#include "base/number.h"

namespace proa::apps::vmm {
namespace {

constexpr std::string_view kUsage =
    "usage: proa-vmm [--config FILE] [--restore STATE MEMORY] [--control SOCKET]\n"
    "                [--user UID:GID | --jailed | --no-jail]\n"
    "FILE and SOCKET may be fd:N, an open descriptor. --jailed: the starter has made namespaces "
    "and\n"
    "user; only system calls are still filtered. --system-calls lists those that each thread may\n"
    "make, and why.\n"
    "The guest's serial port is on standard input and output; the report of its end, one line of\n"
    "JSON, goes to standard error.";

Error usage(std::string_view problem) {
  return fail(ErrorKind::invalid_argument, problem, "\n", kUsage);
}

Result<Identity> parse_identity(std::string_view text) {
  const auto [user, group] = split_once(text, ':');
  Identity identity;
  identity.user = TRY(parse_number<uid_t>(user), "--user");
  identity.group = TRY(parse_number<gid_t>(group), "--user");
  return identity;
}

}  // namespace

Result<Options> parse_options(std::span<char* const> arguments) {
  Options options;
  const auto next = [&]() -> Result<std::string> {
    if (arguments.empty()) return usage("the last argument wants a value");
    const std::string value = arguments.front();
    arguments = arguments.subspan(1);
    return value;
  };
  while (!arguments.empty()) {
    const std::string argument = TRY(next());
    if (argument == "--config") {
      options.config = TRY(next());
    } else if (argument == "--control") {
      options.control = TRY(next());
    } else if (argument == "--restore") {
      options.restore_state = TRY(next());
      options.restore_memory = TRY(next());
    } else if (argument == "--user") {
      const std::string text = TRY(next());
      options.identity = TRY(parse_identity(text));
    } else if (argument == "--no-jail") {
      options.jail = Jail::nothing;
    } else if (argument == "--system-calls") {
      options.show_system_calls = true;
      return options;
    } else if (argument == "--jailed") {
      options.jail = Jail::around;
    } else {
      return usage(cat("'", printable(argument), "' is no argument"));
    }
  }
  if (options.config.empty() && options.restore_state.empty() && options.control.empty()) {
    return usage("nothing to do");
  }
  return options;
}

}  // namespace proa::apps::vmm
