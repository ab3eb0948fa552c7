// The texts of --help, and of errors in how a command was typed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/cli/command.h"

namespace proa::cli {

inline constexpr client::Flag kGlobalFlags[] = {
    {'D', "debug", client::Flag::Kind::boolean, "", "Kept for docker's users; changes nothing"},
    {'h', "help", client::Flag::Kind::boolean, "", "Show this"},
    {'H', "host", client::Flag::Kind::text, "address",
     "Where the engine listens: unix:///path or tcp://address:port", "file"},
    {'l', "log-level", client::Flag::Kind::text, "level",
     "Kept for docker's users; changes nothing"},
    {'v', "version", client::Flag::Kind::boolean, "", "Show proa's version"},
};

// All of a command's flags: its own, the shared ones, and --help.
std::vector<client::Flag> flags_of(const Command& command);

std::string help_of_all();
std::string help_of_group(const Group& group);
std::string help_of_command(const Command& command, std::string_view path);

// "unknown flag: --x", the usage, and where more is said.
std::string fault_of_command(const Command& command, std::string_view path,
                             std::string_view message);
std::string usage_line(const Command& command, std::string_view path);

}  // namespace proa::cli
