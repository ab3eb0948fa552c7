// exec and update.
#include "container/exec.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

#include "apps/oci/commands.h"
#include "apps/oci/terminal.h"
#include "base/number.h"
#include "base/text.h"
#include "container/init/launcher.h"
#include "container/limits/plan.h"
#include "kernel/cgroup/layout.h"
#include "kernel/file/file.h"
#include "kernel/socket/unix_stream.h"

namespace proa::oci_app {
namespace {

struct ExecFlags {
  std::string console_socket, pid_file, cwd, user, process, ignored;
  std::vector<std::string> environment, capabilities, groups;
  int preserved = 0;
  bool terminal = false, detach = false, no_new_privileges = false, ignore_paused = false;
};

Option list_option(std::string_view name, char letter, std::vector<std::string>& target) {
  return {name,
          letter,
          [&target](const std::string& value) -> Result<void> {
            target.push_back(value);
            return {};
          },
          {}};
}

// "uid[:gid]".
Result<void> set_user(const std::string& text, oci::runtime::User& user) {
  if (text.empty()) return {};
  const auto [uid, gid] = split_once(text, ':');
  user = {};
  user.uid = TRY(parse_number<std::uint32_t>(uid), "option '--user'");
  if (!gid.empty()) user.gid = TRY(parse_number<std::uint32_t>(gid), "option '--user'");
  if (user.uid == oci::runtime::kNoId || user.gid == oci::runtime::kNoId) {
    return fail(ErrorKind::invalid_argument, "option '--user': ", oci::runtime::kNoId,
                " means no id");
  }
  return {};
}

void add_capabilities(const std::vector<std::string>& names, Report& report,
                      oci::runtime::Process& process) {
  for (const std::string& name : names) {
    const auto number = oci::runtime::capability_number(name);
    if (!number) {
      report.warning(cat("capability '", printable(name, 40), "' is not known: left out"));
      continue;
    }
    if (!process.capabilities) process.capabilities.emplace();
    const std::uint64_t bit = std::uint64_t{1} << *number;
    process.capabilities->bounding |= bit;
    process.capabilities->effective |= bit;
    process.capabilities->permitted |= bit;
  }
}

// "NAME=value": in place of what has the name already.
void set_variable(std::vector<std::string>& environment, const std::string& entry) {
  const std::string front = cat(split_once(entry, '=').first, "=");
  std::erase_if(environment, [&](const std::string& have) { return have.starts_with(front); });
  environment.push_back(entry);
}

// The container's own process is what an exec starts from.
Result<oci::runtime::Process> make_process(const ExecFlags& flags, const oci::runtime::Spec& spec,
                                           Arguments command, Report& report) {
  if (!flags.process.empty()) {
    const std::string text = TRY(file::read_file(flags.process));
    const json::Value document = TRY(json::parse(text, flags.process));
    return oci::runtime::read_process(json::Reader(document, flags.process));
  }
  if (command.empty()) {
    return fail(ErrorKind::invalid_argument, "process args cannot be empty");
  }
  oci::runtime::Process process = spec.process.value_or(oci::runtime::Process());
  process.args = std::move(command);
  process.terminal = flags.terminal;
  process.console_size.reset();
  for (const std::string& entry : flags.environment) set_variable(process.env, entry);
  if (!flags.cwd.empty()) process.cwd = flags.cwd;
  if (flags.no_new_privileges) process.no_new_privileges = true;
  TRY(set_user(flags.user, process.user));
  for (const std::string& group : flags.groups) {
    const auto gid = TRY(parse_number<std::uint32_t>(group), "option '--additional-gids'");
    process.user.additional_gids.push_back(gid);
  }
  add_capabilities(flags.capabilities, report, process);
  return process;
}

std::vector<Option> exec_options(ExecFlags& flags) {
  return {value_option("console-socket", 0, flags.console_socket),
          value_option("pid-file", 0, flags.pid_file),
          value_option("cwd", 0, flags.cwd),
          value_option("user", 'u', flags.user),
          value_option("process", 'p', flags.process),
          value_option("apparmor", 0, flags.ignored),
          value_option("process-label", 0, flags.ignored),
          value_option("cgroup", 0, flags.ignored),
          list_option("env", 'e', flags.environment),
          list_option("cap", 'c', flags.capabilities),
          list_option("additional-gids", 'g', flags.groups),
          number_option("preserve-fds", 0, flags.preserved),
          switch_option("tty", 't', flags.terminal),
          switch_option("detach", 'd', flags.detach),
          switch_option("no-new-privs", 0, flags.no_new_privileges),
          switch_option("ignore-paused", 0, flags.ignore_paused)};
}

}  // namespace

Result<void> protect_own_program() {
  if (container::own_program_is_protected()) return {};
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return container::restart_protected(environment);
}

Result<int> exec_command(const Context& context, Arguments arguments) {
  // The joining process shows in the container's /proc with this program as its file.
  TRY(protect_own_program());
  ExecFlags flags;
  TRY(take_options(arguments, exec_options(flags)));
  if (!flags.ignored.empty()) {
    return fail(ErrorKind::unsupported,
                "options '--apparmor', '--process-label' and '--cgroup' are not supported");
  }
  const std::string id = TRY(take_id(arguments));
  const State state = TRY(context.store.load(id));
  const Status status = TRY(context.store.status(state));
  if (status == Status::stopped) return fail(ErrorKind::busy, "cannot exec in a stopped container");
  if (status == Status::paused && !flags.ignore_paused) {
    return fail(ErrorKind::busy, "cannot exec in a paused container (use --ignore-paused)");
  }
  const oci::runtime::Spec spec = TRY(context.store.spec(id));
  const long number = ::syscall(SYS_pidfd_open, state.pid, 0);
  if (number < 0) return fail_errno("opening the first process of '", id, "'");
  const Fd init(static_cast<int>(number));
  container::ExecOptions options{
      .init = state.pid,
      .init_pidfd = init,
      .cgroups = state.cgroups,
      .process = TRY(make_process(flags, spec, std::move(arguments), context.report)),
      .filter = spec.linux_part.seccomp,
      .filter_cache = context.store.cache(),
      .console_socket = std::nullopt,
      .preserved = flags.preserved};
  Fd console;
  std::optional<Fronted> terminal;
  if (!flags.console_socket.empty()) {
    console = TRY(connect_console(flags.console_socket));
  } else if (options.process.terminal && !flags.detach) {
    terminal.emplace(TRY(Fronted::prepare()));
    console = terminal->take_container_end();
  }
  if (console.valid()) options.console_socket = console;
  const container::Executed executed = TRY(container::exec(options));
  console.reset();
  for (const std::string& warning : executed.warnings) context.report.warning(warning);
  TRY(write_pid_file(flags.pid_file, executed.pid));
  if (flags.detach) return 0;
  return terminal ? terminal->run(executed.pid, executed.pidfd)
                  : follow(executed.pid, executed.pidfd);
}

namespace {

// The options of `update` as the JSON of linux.resources, so that one parser reads both.
Result<json::Value> resources_json(Arguments& arguments) {
  std::string from;
  json::Value memory = json::Value::object();
  json::Value cpu = json::Value::object();
  json::Value pids = json::Value::object();
  json::Value block = json::Value::object();
  const auto number = [](std::string_view name, json::Value& group, const char* key) {
    return Option{name,
                  0,
                  [&group, key](const std::string& value) -> Result<void> {
                    const std::int64_t parsed = TRY(parse_number<std::int64_t>(value));
                    group.set(key, parsed);
                    return {};
                  },
                  {}};
  };
  const auto text = [](std::string_view name, json::Value& group, const char* key) {
    return Option{name,
                  0,
                  [&group, key](const std::string& value) -> Result<void> {
                    group.set(key, value);
                    return {};
                  },
                  {}};
  };
  TRY(take_options(arguments,
                   {value_option("resources", 'r', from), number("memory", memory, "limit"),
                    number("memory-reservation", memory, "reservation"),
                    number("memory-swap", memory, "swap"), number("cpu-period", cpu, "period"),
                    number("cpu-quota", cpu, "quota"), number("cpu-burst", cpu, "burst"),
                    number("cpu-share", cpu, "shares"), number("cpu-idle", cpu, "idle"),
                    text("cpuset-cpus", cpu, "cpus"), text("cpuset-mems", cpu, "mems"),
                    number("pids-limit", pids, "limit"), number("blkio-weight", block, "weight")}));
  if (!from.empty()) {
    const std::string document =
        from == "-" ? TRY(file::read_all(FdRef(STDIN_FILENO))) : TRY(file::read_file(from));
    return json::parse(document, from == "-" ? "standard input" : from);
  }
  json::Value out = json::Value::object();
  const json::Value none = json::Value::object();
  if (memory != none) out.set("memory", std::move(memory));
  if (cpu != none) out.set("cpu", std::move(cpu));
  if (pids != none) out.set("pids", std::move(pids));
  if (block != none) out.set("blockIO", std::move(block));
  return out;
}

}  // namespace

Result<int> update_command(const Context& context, Arguments arguments) {
  Arguments given = std::move(arguments);
  // The id may stand before or behind the options.
  std::string id;
  if (!given.empty() && !given.front().starts_with('-')) id = TRY(take_id(given));
  const json::Value document = TRY(resources_json(given));
  if (id.empty()) id = TRY(take_id(given));
  const oci::runtime::Resources resources =
      TRY(oci::runtime::parse_resources(json::Reader(document, "resources")));
  State state = TRY(context.store.load(id));
  const Status status = TRY(context.store.status(state));
  if (status == Status::stopped) return fail(ErrorKind::busy, "container not running");
  const oci::runtime::Spec spec = TRY(context.store.spec(id));
  const cgroup::Layout layout = TRY(cgroup::discover());
  const container::limits::Plan plan =
      TRY(container::limits::make_plan(layout, resources,
                                       {.cgroups_path = spec.linux_part.cgroups_path,
                                        .id = id,
                                        .purpose = container::limits::Purpose::update}));
  container::limits::CgroupSet cgroups = TRY(container::limits::CgroupSet::open(state.cgroups));
  std::vector<std::string> warnings;
  TRY(cgroups.update(plan, warnings));
  for (const std::string& warning : warnings) context.report.warning(warning);
  state.cgroups = cgroups.record();
  const Fd directory = TRY(context.store.directory(id));
  TRY(context.store.save(directory, state));
  return 0;
}

}  // namespace proa::oci_app
