// proa: the command line; a thin client of the engine's API. Here: finding the command that was
// typed, reading its flags, and ending with its exit code.
#include <exception>

#include "apps/cli/app/commands.h"
#include "apps/cli/call.h"
#include "apps/cli/command.h"
#include "apps/cli/help.h"
#include "apps/cli/start_engine.h"
#include "apps/cli/version.h"
#include "base/nearest.h"
#include "base/text.h"

namespace proa::cli {
namespace {

using Words = std::span<const std::string>;

constexpr int kWrongFlag = 125;  // docker's

int fault(std::string_view text, int code) {
  print_error(text);
  return code;
}

int show(std::string_view text) {
  discard(print(text), "whoever asked has gone");
  return 0;
}

std::string count_fault(const Command& command, std::string_view path) {
  const auto counted = [](int count) {
    return cat(count, count == 1 ? " argument" : " arguments");
  };
  if (command.most == 0) return cat("proa: 'proa ", path, "' accepts no arguments");
  if (command.least == command.most) {
    return cat("proa: 'proa ", path, "' requires ", counted(command.least));
  }
  if (command.most == kAnyNumber) {
    return cat("proa: 'proa ", path, "' requires at least ", counted(command.least));
  }
  return cat("proa: 'proa ", path, "' requires at least ", command.least, " and at most ",
             counted(command.most));
}

int run_command(const Command& command, const std::string& path, Words words,
                const Globals& globals) {
  const std::vector<client::Flag> table = flags_of(command);
  Result<client::Flags> parsed = client::Flags::parse(table, words, command.interspersed);
  if (!parsed.ok()) {
    // -h asks for help where it is no flag of the command.
    if (parsed.error().message().starts_with("unknown shorthand flag: 'h' in -h")) {
      return show(help_of_command(command, path));
    }
    return fault(fault_of_command(command, path, parsed.error().message()), kWrongFlag);
  }
  client::Flags flags = parsed.take();
  if (flags.is("help")) return show(help_of_command(command, path));
  const auto count = static_cast<int>(flags.arguments().size());
  if (count < command.least || count > command.most) {
    return fault(fault_of_command(command, path, count_fault(command, path)), 1);
  }
  Call call(command, path, std::move(flags), globals);
  const Result<int> done = command.run(call);
  if (done.ok()) return done.value();
  return fault(done.error().message(), command.failure);
}

int unknown_command(const Group& group, std::string_view name) {
  const std::string place = group.name.empty() ? "" : cat(group.name, " ");
  std::string text = cat("proa: unknown command: proa ", place, printable(name), "\n");
  std::vector<std::string_view> names;
  for (const Entry& entry : group.entries) {
    if (entry.shown) names.push_back(entry.name);
  }
  if (group.name.empty()) {
    for (const Group& other : all_groups()) names.push_back(other.name);
  }
  if (const auto meant = nearest(name, names, 2)) {
    text.append(cat("\nDid you mean 'proa ", place, *meant, "'?\n"));
  }
  return fault(text.append(cat("\nRun 'proa ", place, "--help' for more information")), 1);
}

int run_words(Words words, const Globals& globals) {
  const Group& top = *find_group("");
  if (words.empty()) return show(help_of_all());
  if (words[0] == "help") {
    if (words.size() == 1) return show(help_of_all());
    std::vector<std::string> asked(words.begin() + 1, words.end());
    asked.emplace_back("--help");
    return run_words(asked, globals);
  }
  const Group* group = find_group(words[0]);
  if (group == nullptr || group->name.empty()) {
    const Command* command = find_command(top, words[0]);
    if (command == nullptr) return unknown_command(top, words[0]);
    return run_command(*command, words[0], words.subspan(1), globals);
  }
  if (words.size() == 1 || words[1] == "--help" || words[1] == "-h") {
    return show(help_of_group(*group));
  }
  std::vector<std::string> rest(words.begin() + 1, words.end());
  if (group->name == "compose") rest = flags_behind_verb(std::move(rest));
  const Command* command = find_command(*group, rest[0]);
  if (command == nullptr) return unknown_command(*group, rest[0]);
  return run_command(*command, cat(words[0], " ", rest[0]), Words(rest).subspan(1), globals);
}

int run_program(Words words) {
  if (words.size() == 3 && words[0] == "__engine") {
    const Result<int> become = become_engine(words[1], words[2]);
    return become.ok() ? become.value() : fault(become.error().message(), 1);
  }
  const Result<client::Flags> flags =
      client::Flags::parse(kGlobalFlags, words, client::Interspersed::no);
  if (!flags.ok()) {
    return fault(cat(flags.error().message(), "\n\nUsage:  proa [OPTIONS] COMMAND [ARG...]\n\n",
                     "Run 'proa --help' for more information"),
                 kWrongFlag);
  }
  if (flags.value().is("version")) return show(cat("Proa version ", kVersionText, "\n"));
  if (flags.value().is("help") && flags.value().arguments().empty()) return show(help_of_all());
  std::vector<std::string> rest = flags.value().arguments();
  if (flags.value().is("help")) rest.emplace_back("--help");
  return run_words(rest, {.host = flags.value().text("host")});
}

}  // namespace
}  // namespace proa::cli

int main(int count, char** arguments) {
  // Only the libraries that are used here throw, and only when memory is used up.
  try {
    const std::vector<std::string> words(arguments + 1, arguments + count);
    return proa::cli::run_program(words);
  } catch (const std::exception& error) {
    proa::cli::print_error(error.what());
    return 1;
  }
}
