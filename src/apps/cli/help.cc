#include "apps/cli/help.h"

#include <algorithm>

#include "apps/cli/call.h"
#include "base/text.h"

namespace proa::cli {
namespace {

constexpr std::size_t kUsualWidth = 100;
constexpr std::string_view kCommon[] = {"run",  "exec",  "ps",    "images", "pull",
                                        "push", "build", "login", "logout", "version",
                                        "info", "up",    "down"};

std::size_t help_width() { return terminal_width().value_or(kUsualWidth); }

bool is_common(std::string_view name) {
  return std::ranges::find(kCommon, name) != std::end(kCommon);
}

void append_entry(std::string& out, std::string_view name, std::string_view brief) {
  constexpr std::size_t kColumn = 14;
  out.append("  ").append(name);
  out.append(name.size() < kColumn ? kColumn - name.size() : 1, ' ');
  out.append(brief).append("\n");
}

}  // namespace

std::vector<client::Flag> flags_of(const Command& command) {
  std::vector<client::Flag> all(command.flags.begin(), command.flags.end());
  if (command.shared_flags != nullptr) {
    const auto shared = command.shared_flags();
    all.insert(all.end(), shared.begin(), shared.end());
  }
  all.push_back({'\0', "help", client::Flag::Kind::boolean, "", "Show this"});
  return all;
}

std::string usage_line(const Command& command, std::string_view path) {
  // --help alone is not worth telling.
  const bool has_flags = !command.flags.empty() || command.shared_flags != nullptr;
  return cat("Usage:  proa ", path, has_flags ? " [OPTIONS]" : "",
             command.arguments.empty() ? "" : " ", command.arguments);
}

std::string help_of_all() {
  std::string out =
      "Usage:  proa [OPTIONS] COMMAND\n\n"
      "Runs containers and virtual machines as equals.\n\nCommon Commands:\n";
  const Group& top = *find_group("");
  for (const Entry& entry : top.entries) {
    if (entry.shown && is_common(entry.name)) append_entry(out, entry.name, entry.command->brief);
  }
  out.append("\nManagement Commands:\n");
  for (const Group& group : all_groups()) {
    if (!group.name.empty()) append_entry(out, group.name, group.brief);
  }
  out.append("\nCommands:\n");
  std::vector<const Entry*> others;
  for (const Entry& entry : top.entries) {
    if (entry.shown && !is_common(entry.name)) others.push_back(&entry);
  }
  std::ranges::sort(others, {}, [](const Entry* entry) { return entry->name; });
  for (const Entry* entry : others) append_entry(out, entry->name, entry->command->brief);
  out.append("\nGlobal Options:\n").append(client::print_flags(kGlobalFlags, help_width()));
  out.append(
      "\nThe engine's address is -H, else $PROA_HOST, else $DOCKER_HOST, else "
      "unix:///run/proa/proa.sock;\nwhere none runs at the last, root's proa starts it.\n"
      "\nA first try:  proa run --rm -it debian:12 bash\n"
      "Run 'proa COMMAND --help' for more information on a command.\n");
  return out;
}

std::string help_of_group(const Group& group) {
  std::string out =
      cat("Usage:  proa ", group.name, " COMMAND\n\n", group.brief, "\n\nCommands:\n");
  for (const Entry& entry : group.entries) {
    if (entry.shown) append_entry(out, entry.name, entry.command->brief);
  }
  return out.append(
      cat("\nRun 'proa ", group.name, " COMMAND --help' for more information on a command.\n"));
}

std::string help_of_command(const Command& command, std::string_view path) {
  std::string out = cat(usage_line(command, path), "\n\n", command.brief, "\n");
  std::string names;
  for (const Group& group : all_groups()) {
    for (const Entry& entry : group.entries) {
      if (entry.command != &command) continue;
      names.append(names.empty() ? "" : ", ").append("proa ");
      names.append(group.name).append(group.name.empty() ? "" : " ").append(entry.name);
    }
  }
  if (names.find(',') != std::string::npos) out.append("\nAliases:\n  ").append(names).append("\n");
  out.append("\nOptions:\n").append(client::print_flags(flags_of(command), help_width()));
  if (!command.more.empty()) out.append("\n").append(command.more);
  return out;
}

std::string fault_of_command(const Command& command, std::string_view path,
                             std::string_view message) {
  return cat(message, "\n\n", usage_line(command, path), "\n\nRun 'proa ", path,
             " --help' for more information");
}

}  // namespace proa::cli
