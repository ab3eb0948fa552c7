// proa-oci: an OCI runtime with the command line that runc and crun share.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>

#include "apps/oci/commands.h"
#include "base/text.h"

namespace proa::oci_app {
namespace {

struct Entry {
  std::string_view name;
  Command command;
  std::string_view help;
};

constexpr Entry kCommands[] = {
    {"create", create_command, "make a container that waits for its start"},
    {"start", start_command, "start what was created"},
    {"run", run_command, "create, start, wait and delete"},
    {"state", state_command, "print a container's state"},
    {"kill", kill_command, "send a signal (default TERM)"},
    {"delete", delete_command, "remove a container (--force: running ones too)"},
    {"exec", exec_command, "run a further process in a container"},
    {"list", list_command, "list containers"},
    {"ps", ps_command, "list a container's processes"},
    {"pause", pause_command, "freeze all processes"},
    {"resume", resume_command, "let them go on"},
    {"update", update_command, "change limits"},
    {"events", events_command, "print what a container uses"},
    {"spec", spec_command, "write a config.json to start from"},
    {"features", features_command, "print what this runtime and host can do"},
    {"checkpoint", unsupported_command, "not supported"},
    {"restore", unsupported_command, "not supported"},
};

void print_help() {
  std::puts(
      "Usage: proa-oci [global options] COMMAND [options] [arguments]\n\n"
      "Global options:\n"
      "  --root DIR            where containers' states are kept\n"
      "  --log FILE            write warnings and errors there\n"
      "  --log-format FORMAT   text or json\n"
      "  --debug               accepted\n"
      "  --cgroup-manager NAME cgroupfs\n"
      "  --systemd-cgroup      not supported\n"
      "  --rootless BOOL       accepted\n"
      "  --version, --help\n\n"
      "Commands:");
  for (const Entry& entry : kCommands) {
    std::printf("  %-12s %.*s\n", std::string(entry.name).c_str(),
                static_cast<int>(entry.help.size()), entry.help.data());
  }
}

std::string default_root() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (::geteuid() != 0 && runtime != nullptr) return cat(runtime, "/proa-oci");
  return "/run/proa-oci";
}

struct Globals {
  std::string root = default_root();
  std::string log, format = "text", rootless;
  std::string cgroup_manager = "cgroupfs";
  bool debug = false, systemd = false, version = false, help = false;
};

Result<int> dispatch(const Globals& globals, Report& report, Arguments arguments) {
  if (globals.systemd || globals.cgroup_manager == "systemd") {
    return fail(ErrorKind::unsupported, "the systemd cgroup driver is not supported; use cgroupfs");
  }
  if (globals.cgroup_manager != "cgroupfs") {
    return fail(ErrorKind::unsupported, "cgroup manager '", printable(globals.cgroup_manager, 20),
                "' is not supported; use cgroupfs");
  }
  if (arguments.empty()) {
    print_help();
    return 0;
  }
  const std::string word = arguments.front();
  arguments.erase(arguments.begin());
  for (const Entry& entry : kCommands) {
    if (entry.name != word) continue;
    StateStore store = TRY(StateStore::open(globals.root));
    const Context context{store, report, ::geteuid() != 0};
    return entry.command(context, std::move(arguments));
  }
  return fail(ErrorKind::invalid_argument, "unknown command '", printable(word, 80), "'");
}

Result<int> run(Report& report, Arguments arguments) {
  Globals globals;
  TRY(take_options(
      arguments,
      {value_option("root", 0, globals.root), value_option("log", 0, globals.log),
       value_option("log-format", 0, globals.format), value_option("rootless", 0, globals.rootless),
       switch_option("debug", 0, globals.debug),
       value_option("cgroup-manager", 0, globals.cgroup_manager),
       switch_option("systemd-cgroup", 0, globals.systemd),
       switch_option("version", 'v', globals.version), switch_option("help", 'h', globals.help)}));
  if (globals.format != "text" && globals.format != "json") {
    return fail(ErrorKind::invalid_argument, "unknown log-format '", printable(globals.format, 20),
                "' (text, json)");
  }
  report.log_to(globals.log, globals.format == "json" ? LogFormat::json : LogFormat::text);
  if (globals.version) {
    std::printf("proa-oci version %s\nspec: %s\n", PROA_VERSION,
                std::string(oci::runtime::kRuntimeSpecVersion).c_str());
    return 0;
  }
  if (globals.help) {
    print_help();
    return 0;
  }
  return dispatch(globals, report, std::move(arguments));
}

}  // namespace
}  // namespace proa::oci_app

int main(int count, char** words) {
  proa::oci_app::Report report;
  try {
    const proa::Result<int> code =
        proa::oci_app::run(report, proa::oci_app::Arguments(words + 1, words + count));
    if (code.ok()) return code.value();
    report.error(code.error().message());
    // What ended while the command failed is nobody else's to reap.
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  } catch (const std::bad_alloc&) {
    report.error("out of memory");
  }
  return 1;
}
