// What a command is: constant data that parsing, help and completion all read, and the function
// that does it. One file a subject holds its commands; table.cc holds them all.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "client/flags/flags.h"

namespace proa::cli {

class Call;

// What it gives is the exit code; an error is printed by the caller.
using Handler = Result<int> (*)(Call&);

inline constexpr int kAnyNumber = 1'000'000;

struct Command {
  std::string_view name;
  std::string_view arguments;  // "CONTAINER [CONTAINER...]"
  std::string_view brief;      // one line for lists of commands
  int least = 0;               // arguments
  int most = kAnyNumber;
  std::span<const client::Flag> flags;
  Handler run;
  // Flags that several commands share, beside its own.
  std::span<const client::Flag> (*shared_flags)() = nullptr;
  client::Interspersed interspersed = client::Interspersed::yes;
  std::string_view more = {};       // further help: what it does, and examples
  std::string_view completes = {};  // what its arguments name: "container", "image", ...
  int failure = 1;                  // exit code of its own failures: 125 for run and its like
};

// A command by a name; the same one may have several.
struct Entry {
  std::string_view name;
  const Command* command;
  bool shown = true;  // in lists; other names of a command are not
};

struct Group {
  std::string_view name;  // "container"; "" for the top
  std::string_view brief;
  std::span<const Entry> entries;
};

std::span<const Group> all_groups();
const Group* find_group(std::string_view name);
const Command* find_command(const Group& group, std::string_view name);

}  // namespace proa::cli
