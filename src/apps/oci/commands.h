// The runtime's commands, as the command lines of runc and crun share them. Each takes its own
// options (argv[0] is the command) and gives the exit code.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/oci/report.h"
#include "apps/oci/state_store.h"
#include "base/result.h"

namespace proa::oci_app {

// What all commands work with. Owner: main.
struct Context {
  StateStore& store;
  Report& report;
  bool rootless = false;
};

using Arguments = std::vector<std::string>;
using Command = Result<int> (*)(const Context&, Arguments);

Result<int> create_command(const Context& context, Arguments arguments);
Result<int> start_command(const Context& context, Arguments arguments);
Result<int> run_command(const Context& context, Arguments arguments);
Result<int> exec_command(const Context& context, Arguments arguments);
Result<int> kill_command(const Context& context, Arguments arguments);
Result<int> delete_command(const Context& context, Arguments arguments);
Result<int> pause_command(const Context& context, Arguments arguments);
Result<int> resume_command(const Context& context, Arguments arguments);
Result<int> state_command(const Context& context, Arguments arguments);
Result<int> list_command(const Context& context, Arguments arguments);
Result<int> ps_command(const Context& context, Arguments arguments);
Result<int> update_command(const Context& context, Arguments arguments);
Result<int> events_command(const Context& context, Arguments arguments);
Result<int> spec_command(const Context& context, Arguments arguments);
Result<int> features_command(const Context& context, Arguments arguments);
Result<int> unsupported_command(const Context& context, Arguments arguments);

// One option: its long and short names, and what is done with its value.
struct Option {
  std::string_view name;
  char letter = 0;
  // Takes a value; a switch has on_switch instead.
  std::function<Result<void>(const std::string& value)> on_value;
  std::function<void()> on_switch;
};

// Takes options off the front of `arguments`, up to the first other word or "--".
//
// Errors: invalid_argument (names the option)
Result<void> take_options(Arguments& arguments, const std::vector<Option>& options);
Option value_option(std::string_view name, char letter, std::string& target);
Option number_option(std::string_view name, char letter, int& target);
Option switch_option(std::string_view name, char letter, bool& target);

// The one container id that a command takes.
Result<std::string> take_id(Arguments& arguments);

// The state as the specification has it: `state` prints it, and hooks get it on one line.
json::Value state_value(const State& state, const oci::runtime::Spec& spec, Status status);

// Starts the command anew, before it has done anything, unless its own file is out of a
// container's reach already.
Result<void> protect_own_program();

// Connects to the socket at `path` (--console-socket); an invalid Fd for no path.
Result<Fd> connect_console(const std::string& path);

// Writes a process's number where --pid-file says.
Result<void> write_pid_file(const std::string& path, pid_t pid);

// Kills all processes of the container, removes its cgroups, runs its poststop hooks and forgets
// it.
Result<void> destroy(const Context& context, const State& state);

// Passes signals to the process until it has ended; its exit code, as a shell has it.
Result<int> follow(pid_t pid, FdRef pidfd);

}  // namespace proa::oci_app
