// create, start and run.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "apps/oci/commands.h"
#include "apps/oci/shared_root.h"
#include "apps/oci/terminal.h"
#include "base/number.h"
#include "base/rollback.h"
#include "base/text.h"
#include "base/time.h"
#include "container/container.h"
#include "container/hooks/hooks.h"
#include "kernel/file/file.h"
#include "kernel/socket/unix_stream.h"

namespace proa::oci_app {
namespace {

struct CreateFlags {
  std::string bundle = ".";
  std::string config = StateStore::kConfig;  // below the bundle, or absolute
  std::string console_socket;
  std::string pid_file;
  int preserved = 0;
  bool no_pivot = false;
  bool no_new_keyring = false;
  bool lazy_cgroups = false;  // v1 hierarchies only where a limit asks for them
  bool detach = false;
  bool keep = false;
};

std::vector<Option> create_options(CreateFlags& flags) {
  return {value_option("bundle", 'b', flags.bundle),
          value_option("config", 'f', flags.config),
          value_option("console-socket", 0, flags.console_socket),
          value_option("pid-file", 0, flags.pid_file),
          number_option("preserve-fds", 0, flags.preserved),
          switch_option("no-pivot", 0, flags.no_pivot),
          switch_option("lazy-cgroups", 0, flags.lazy_cgroups),
          switch_option("no-new-keyring", 0, flags.no_new_keyring)};
}

Result<std::string> absolute_path(const std::string& path) {
  std::array<char, PATH_MAX> resolved;
  if (::realpath(path.c_str(), resolved.data()) == nullptr) {
    return fail_errno("bundle '", printable(path), "'");
  }
  return std::string(resolved.data());
}

// Sockets that a service manager handed to us are handed on, from descriptor 3.
int pass_on_sockets(oci::runtime::Spec& spec) {
  const char* text = std::getenv("LISTEN_FDS");
  const auto count = parse_number<int>(text == nullptr ? "" : text);
  if (!count.ok() || count.value() <= 0 || !spec.process) return 0;
  spec.process->env.push_back(cat("LISTEN_FDS=", count.value()));
  spec.process->env.emplace_back("LISTEN_PID=1");
  if (const char* names = std::getenv("LISTEN_FDNAMES")) {
    spec.process->env.push_back(cat("LISTEN_FDNAMES=", names));
  }
  return count.value();
}

// The socket on which a service manager waits for news shows in the container where it is here.
void pass_on_notify_socket(oci::runtime::Spec& spec) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || path[0] != '/' || !spec.process) return;
  oci::runtime::Mount mount;
  mount.destination = path;
  mount.source = path;
  mount.options = {"bind"};
  spec.mounts.push_back(std::move(mount));
  spec.process->env.push_back(cat("NOTIFY_SOCKET=", path));
}

enum class Gate : bool { no, yes };
enum class Keep : bool { no, yes };

// What is read and decided before anything is made.
struct Prepared {
  std::string text;      // config.json as it stands
  container::Plan plan;  // and what comes of it, with what the command adds
  container::Protection protection = container::Protection::launcher;
  int sockets = 0;
};

Result<Prepared> prepare(const std::string& id, const CreateFlags& flags) {
  Prepared prepared;
  const std::string bundle = TRY(absolute_path(flags.bundle));
  prepared.text = TRY(file::read_file(
      flags.config.starts_with('/') ? flags.config : cat(bundle, "/", flags.config)));
  oci::runtime::Spec spec = TRY(oci::runtime::parse_spec(prepared.text));
  if (!flags.console_socket.empty() && !(spec.process && spec.process->terminal)) {
    return fail(ErrorKind::invalid_argument,
                "option '--console-socket': the process has no terminal (process.terminal)");
  }
  prepared.sockets = pass_on_sockets(spec);
  pass_on_notify_socket(spec);
  prepared.plan = TRY(container::make_plan(std::move(spec), {.id = id, .bundle = bundle}));
  prepared.protection = container::protection_for(prepared.plan);
  if (prepared.protection == container::Protection::own_program) TRY(protect_own_program());
  return prepared;
}

struct Made {
  State state;
  oci::runtime::Spec spec;
  Fd pidfd;
};

container::CreateOptions options_of(const Context& context, const Prepared& prepared,
                                    const CreateFlags& flags) {
  container::CreateOptions options;
  options.root_change = flags.no_pivot ? container::RootChange::move : container::RootChange::pivot;
  options.keyring = flags.no_new_keyring ? container::Keyring::keep : container::Keyring::join_new;
  if (flags.lazy_cgroups) options.hierarchies = container::limits::Hierarchies::asked_for;
  options.filter_cache = context.store.cache();
  options.preserved = flags.preserved + prepared.sockets;
  options.protection = prepared.protection;
  return options;
}

// Runs the hooks that come before the container's program, where there are any.
// They find the container's state, as far as it is.
void add_hooks(container::CreateOptions& options, const oci::runtime::Spec& spec, State& state,
               const std::function<Result<void>()>& save) {
  const auto& hooks = spec.hooks;
  if (hooks.prestart.empty() && hooks.create_runtime.empty() && hooks.create_container.empty() &&
      hooks.start_container.empty()) {
    return;
  }
  options.on_mounted = [&spec, &state, save](pid_t pid) -> Result<std::string> {
    state.pid = pid;
    state.start_time = start_time_of(pid);
    state.creating = true;
    TRY(save());
    state.creating = false;
    std::string told = json::print(state_value(state, spec, Status::creating));
    TRY(container::run_hooks(spec.hooks.prestart, told), "prestart hook");
    TRY(container::run_hooks(spec.hooks.create_runtime, told), "createRuntime hook");
    return told;
  };
}

// Makes the container; nothing of it is left where that fails.
Result<Made> make_container(const Context& context, Prepared prepared, const CreateFlags& flags,
                            FdRef console, Gate gate) {
  container::Plan& plan = prepared.plan;
  const Fd directory = TRY(context.store.make(plan.id));
  Rollback rollback;
  rollback.add(
      [&] { discard(context.store.remove(plan.id), "the first error is the one to report"); });
  // The directory is new: nobody reads the file before the state is there.
  const Fd config =
      TRY(file::open_at(directory, StateStore::kConfig, O_CREAT | O_EXCL | O_WRONLY, 0600));
  TRY(file::write_all(config, bytes_of(prepared.text)));
  TRY(note_shared_root(directory, plan));
  rollback.add(
      [&] { discard(clear_shared_root(directory), "the first error is the one to report"); });
  Fd listener;
  if (gate == Gate::yes) listener = TRY(socket::listen_at(directory, StateStore::kGate, 0600));

  Made made;
  State& state = made.state;
  state.id = plan.id;
  state.bundle = plan.bundle;
  state.rootfs = plan.root;
  state.created = to_rfc3339(now());
  state.owner = ::geteuid();
  state.late_hooks = !plan.spec.hooks.poststart.empty() || !plan.spec.hooks.poststop.empty();
  container::CreateOptions options = options_of(context, prepared, flags);
  if (listener.valid()) options.gate = listener;
  if (console.get() >= 0) options.console_socket = console;
  add_hooks(options, plan.spec, state,
            [&]() -> Result<void> { return context.store.save(directory, state); });
  container::Created created = TRY(container::create(plan, std::move(options)));
  for (const std::string& warning : created.warnings) context.report.warning(warning);
  state.pid = created.pid;
  state.start_time = start_time_of(created.pid);
  state.cgroups = std::move(created.cgroups);
  made.pidfd = std::move(created.pidfd);
  Result<void> kept = context.store.save(directory, state);
  if (kept.ok()) kept = write_pid_file(flags.pid_file, state.pid);
  if (!kept.ok()) {
    discard(destroy(context, state), "the first error is the one to report");
    return std::move(kept).error();
  }
  rollback.commit();
  made.spec = std::move(plan.spec);
  return made;
}

// Spec: runtime.md, "Lifecycle", 9: where one fails, the container is stopped and removed.
Result<void> run_poststart(const Context& context, const Made& made) {
  if (made.spec.hooks.poststart.empty()) return {};
  Result<void> done = container::run_hooks(
      made.spec.hooks.poststart, json::print(state_value(made.state, made.spec, Status::running)));
  if (done.ok()) return {};
  discard(destroy(context, made.state), "the first error is the one to report");
  return std::move(done).error().with_context("poststart hook");
}

// Stays with the container until its end, as its terminal where it has one.
Result<int> stay(const Context& context, const Made& made, std::optional<Fronted>& terminal,
                 Keep keep) {
  const Result<int> code =
      terminal ? terminal->run(made.state.pid, made.pidfd) : follow(made.state.pid, made.pidfd);
  terminal.reset();
  if (keep == Keep::yes) return code;
  TRY(destroy(context, made.state));
  return code;
}

}  // namespace

Result<Fd> connect_console(const std::string& path) {
  if (path.empty()) return Fd();
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Fd directory = TRY(file::open(parent, O_PATH | O_DIRECTORY), "console socket");
  Fd socket =
      TRY(socket::connect_at(directory, path.substr(slash + 1)), "console socket '", path, "'");
  TRY(socket::set_blocking(socket, socket::Blocking::yes));
  return socket;
}

Result<int> create_command(const Context& context, Arguments arguments) {
  CreateFlags flags;
  TRY(take_options(arguments, create_options(flags)));
  const std::string id = TRY(take_id(arguments));
  Prepared prepared = TRY(prepare(id, flags));
  const Fd console = TRY(connect_console(flags.console_socket));
  TRY(make_container(context, std::move(prepared), flags, console, Gate::yes));
  return 0;
}

Result<int> start_command(const Context& context, Arguments arguments) {
  TRY(take_options(arguments, {}));
  const std::string id = TRY(take_id(arguments));
  Made made;
  made.state = TRY(context.store.load(id));
  const Status status = TRY(context.store.status(made.state));
  if (status != Status::created) {
    return fail(ErrorKind::busy, "cannot start container '", id, "': it is ", name(status));
  }
  if (made.state.late_hooks) made.spec = TRY(context.store.spec(id));
  const Fd directory = TRY(context.store.directory(id));
  const Result<std::vector<std::string>> started = container::start(directory, StateStore::kGate);
  discard(file::unlink_at(directory, StateStore::kGate), "it shows that the start was asked for");
  if (!started.ok()) return started.error();
  for (const std::string& warning : started.value()) context.report.warning(warning);
  TRY(run_poststart(context, made));
  return 0;
}

Result<int> run_command(const Context& context, Arguments arguments) {
  CreateFlags flags;
  std::vector<Option> options = create_options(flags);
  options.push_back(switch_option("detach", 'd', flags.detach));
  options.push_back(switch_option("keep", 0, flags.keep));
  bool ignored = false;
  options.push_back(switch_option("no-subreaper", 0, ignored));
  TRY(take_options(arguments, options));
  const std::string id = TRY(take_id(arguments));
  Prepared prepared = TRY(prepare(id, flags));
  Fd console = TRY(connect_console(flags.console_socket));
  std::optional<Fronted> terminal;
  if (!console.valid() && !flags.detach) {
    terminal.emplace(TRY(Fronted::prepare()));
    console = terminal->take_container_end();
  }
  const Made made = TRY(make_container(context, std::move(prepared), flags, console, Gate::no));
  console.reset();
  TRY(run_poststart(context, made));
  if (flags.detach) return 0;
  if (!made.spec.process || !made.spec.process->terminal) terminal.reset();
  return stay(context, made, terminal, flags.keep ? Keep::yes : Keep::no);
}

}  // namespace proa::oci_app
