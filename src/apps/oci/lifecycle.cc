// kill, delete, pause and resume.
#include <regex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>

#include "apps/oci/commands.h"
#include "apps/oci/shared_root.h"
#include "base/number.h"
#include "base/text.h"
#include "container/hooks/hooks.h"
#include "container/limits/cgroup_set.h"
#include "kernel/file/file.h"
#include "kernel/process/child.h"

namespace proa::oci_app {
namespace {

using container::limits::CgroupSet;
using std::chrono::seconds;

cgroup::Deadline in_ten_seconds() { return std::chrono::steady_clock::now() + seconds(10); }

// "TERM", "SIGTERM", "15", "RTMIN+3".
Result<int> parse_signal(std::string_view text) {
  const auto number = parse_number<int>(text);
  if (number.ok() && number.value() > 0 && number.value() < NSIG) return number.value();
  std::string name = to_lower(text);
  for (char& letter : name) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int signal = 1; signal < SIGRTMIN; ++signal) {
    const char* abbreviation = ::sigabbrev_np(signal);
    if (abbreviation != nullptr && name == abbreviation) return signal;
  }
  if (name.starts_with("RTMIN+")) {
    const auto offset = parse_number<int>(std::string_view(name).substr(6));
    if (offset.ok() && SIGRTMIN + offset.value() <= SIGRTMAX) return SIGRTMIN + offset.value();
  }
  return fail(ErrorKind::invalid_argument, "unknown signal '", printable(text, 40), "'");
}

// The first process by pidfd, checked to be the one that the state means.
Result<Fd> open_first(const State& state) {
  const long pidfd = ::syscall(SYS_pidfd_open, state.pid, 0);
  if (pidfd < 0) return fail(ErrorKind::busy, "container not running");
  Fd fd(static_cast<int>(pidfd));
  if (start_time_of(state.pid) != state.start_time) {
    return fail(ErrorKind::busy, "container not running");
  }
  return fd;
}

Result<void> signal_first(const State& state, int signal) {
  const Fd pidfd = TRY(open_first(state));
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) != 0) {
    return fail_errno("sending signal ", signal, " to container '", state.id, "'");
  }
  return {};
}

}  // namespace

Result<void> destroy(const Context& context, const State& state) {
  const bool runs = state.start_time != 0 && start_time_of(state.pid) == state.start_time;
  if (runs) discard(signal_first(state, SIGKILL), "it may have ended meanwhile");
  CgroupSet cgroups = TRY(CgroupSet::open(state.cgroups));
  // A pid namespace took all its processes along with the first.
  const std::vector<pid_t> left = TRY(cgroups.processes());
  if (!left.empty()) TRY(cgroups.kill());
  TRY(cgroups.remove(in_ten_seconds()), "cgroups of '", state.id, "'");
  const Fd directory = TRY(context.store.directory(state.id));
  TRY(clear_shared_root(directory));
  oci::runtime::Spec spec;
  if (state.late_hooks) {
    Result<oci::runtime::Spec> read = context.store.spec(state.id);
    if (read.ok()) spec = read.take();
  }
  TRY(context.store.remove(state.id));
  if (spec.hooks.poststop.empty()) return {};
  const Result<void> done = container::run_hooks(
      spec.hooks.poststop, json::print(state_value(state, spec, Status::stopped)));
  if (!done.ok()) context.report.warning("poststop: " + done.error().message());
  return {};
}

Result<int> kill_command(const Context& context, Arguments arguments) {
  bool all = false;
  TRY(take_options(arguments, {switch_option("all", 'a', all)}));
  const std::string id = TRY(take_id(arguments));
  const int signal = TRY(parse_signal(arguments.empty() ? "TERM" : arguments.front()));
  const State state = TRY(context.store.load(id));
  const Status status = TRY(context.store.status(state));
  if (all) {
    const CgroupSet cgroups = TRY(CgroupSet::open(state.cgroups));
    if (signal == SIGKILL) {
      TRY(cgroups.kill());
      return 0;
    }
    const std::vector<pid_t> processes = TRY(cgroups.processes());
    for (const pid_t pid : processes) ::kill(pid, signal);
    return 0;
  }
  if (status == Status::stopped) return fail(ErrorKind::busy, "container not running");
  TRY(signal_first(state, signal));
  // A process without a pid namespace of its own leaves its children behind: they go with it.
  const Result<oci::runtime::Spec> spec = context.store.spec(id);
  if (signal == SIGKILL && spec.ok() &&
      spec.value().linux_part.find(oci::runtime::NamespaceType::pid) == nullptr) {
    const CgroupSet cgroups = TRY(CgroupSet::open(state.cgroups));
    TRY(cgroups.kill());
  }
  return 0;
}

namespace {

enum class Force : bool { no, yes };

Result<void> delete_one(const Context& context, const std::string& id, Force force) {
  const Result<State> state = context.store.load_remains(id);
  if (!state.ok()) {
    if (force == Force::yes && state.error().kind() == ErrorKind::not_found) return {};
    return state.error();
  }
  if (force == Force::no) {
    const Status status = TRY(context.store.status(state.value()));
    if (status != Status::stopped && status != Status::created) {
      return fail(ErrorKind::busy, "cannot delete container ", id,
                  " that is not stopped: ", name(status));
    }
  }
  return destroy(context, state.value());
}

// The ids that an extended regular expression fits (regex(7)), anywhere in them.
Result<std::vector<std::string>> matching_ids(const Context& context, const std::string& pattern) {
  regex_t compiled;
  if (::regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
    return fail(ErrorKind::invalid_argument, "'", printable(pattern, 80),
                "' is no regular expression");
  }
  Result<std::vector<std::string>> ids = context.store.ids();
  if (ids.ok()) {
    std::erase_if(ids.value(), [&](const std::string& id) {
      return ::regexec(&compiled, id.c_str(), 0, nullptr, 0) != 0;
    });
  }
  ::regfree(&compiled);
  return ids;
}

}  // namespace

Result<int> delete_command(const Context& context, Arguments arguments) {
  bool force = false;
  bool regex = false;
  TRY(take_options(arguments,
                   {switch_option("force", 'f', force), switch_option("regex", 'r', regex)}));
  const Force forced = force ? Force::yes : Force::no;
  if (!regex) {
    const std::string id = TRY(take_id(arguments));
    TRY(delete_one(context, id, forced));
    return 0;
  }
  const std::string pattern = TRY(take_id(arguments));
  const std::vector<std::string> ids = TRY(matching_ids(context, pattern));
  for (const std::string& id : ids) TRY(delete_one(context, id, forced));
  return 0;
}

Result<int> pause_command(const Context& context, Arguments arguments) {
  TRY(take_options(arguments, {}));
  const std::string id = TRY(take_id(arguments));
  const State state = TRY(context.store.load(id));
  const Status status = TRY(context.store.status(state));
  if (status != Status::running && status != Status::created) {
    return fail(ErrorKind::busy, "container not running or created: ", name(status));
  }
  const CgroupSet cgroups = TRY(CgroupSet::open(state.cgroups));
  TRY(cgroups.freeze(in_ten_seconds()));
  return 0;
}

Result<int> resume_command(const Context& context, Arguments arguments) {
  TRY(take_options(arguments, {}));
  const std::string id = TRY(take_id(arguments));
  const State state = TRY(context.store.load(id));
  const Status status = TRY(context.store.status(state));
  if (status != Status::paused) return fail(ErrorKind::busy, "container not paused");
  const CgroupSet cgroups = TRY(CgroupSet::open(state.cgroups));
  TRY(cgroups.thaw(in_ten_seconds()));
  return 0;
}

}  // namespace proa::oci_app
