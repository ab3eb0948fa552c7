// The container's life: create to remove.
#include "hull/light/container_hull.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "base/text.h"
#include "container/container.h"
#include "container/exec.h"
#include "hull/light/bundle.h"
#include "hull/light/users.h"
#include "kernel/file/file.h"
#include "network/bridge/endpoint.h"

namespace proa::hull {
namespace {

using oci::runtime::NamespaceType;

constexpr std::chrono::seconds kEndLimit{10};
// How long who reads the files of a workload that goes may take.
constexpr std::chrono::seconds kReadersLimit{10};

cgroup::Deadline end_deadline() { return std::chrono::steady_clock::now() + kEndLimit; }

std::vector<ns::IdRange> maps_of(const wire::Spec& spec) {
  if (!spec.ids) return {};
  return {{0, spec.ids->first, spec.ids->count}};
}

std::string path_of(FdRef fd) { return cat("/proc/self/fd/", fd.get()); }

// Only the program's own absence and refusal keep their kinds, for docker's exit codes follow from
// them; a mount's source that is missing is no missing program.
Error as_start_failure(Error error) {
  const std::string message = error.message();
  const bool about_program =
      message.find("exec: '") != std::string::npos || message.find("cwd") != std::string::npos;
  const ErrorKind kind = error.kind();
  if (!about_program && (kind == ErrorKind::not_found || kind == ErrorKind::permission ||
                         kind == ErrorKind::invalid_argument)) {
    return std::move(error).with_kind(ErrorKind::internal);
  }
  return error;
}

}  // namespace

ContainerHull::~ContainerHull() {
  forget_memory();
  if (first_) loop_.forget(first_->child.pidfd());
  for (auto& [id, exec] : execs_) loop_.forget(exec.child.pidfd());
}

Capabilities ContainerHull::capabilities() const {
  return {.pause = true, .live_update = true, .live_networks = true, .host_namespaces = true};
}

std::optional<FdRef> ContainerHull::user_namespace() const {
  if (!namespaces_.user.valid()) return std::nullopt;
  return FdRef(namespaces_.user);
}

// A process namespace of the workload's own ends with its first process, and all in it.
bool ContainerHull::has_own_processes() const {
  const auto* space = configuration_.linux_part.find(NamespaceType::pid);
  return space != nullptr && space->path.empty();
}

Result<void> ContainerHull::make_lasting() {
  if (root_.valid()) return {};
  TRY(make_namespaces());
  add_shares(spec_, place_.init_program, configuration_);
  const auto& sets = configuration_.process->capabilities;
  configuration_.linux_part.seccomp = TRY(seccomp_of(spec_, sets ? sets->bounding : 0));
  root_ = TRY(place_.root->make_root(user_namespace()), "making the root file system");
  root_attached_ = false;
  return {};
}

// What stays over a restart: the user namespace, and the network namespace that belongs to it.
Result<void> ContainerHull::make_namespaces() {
  auto& wanted = configuration_.linux_part.namespaces;
  const auto fresh = [&](NamespaceType type) -> oci::runtime::Namespace* {
    for (auto& space : wanted) {
      if (space.type == type && space.path.empty()) return &space;
    }
    return nullptr;
  };
  oci::runtime::Namespace* user = fresh(NamespaceType::user);
  oci::runtime::Namespace* network = fresh(NamespaceType::network);
  const std::vector<ns::IdRange> maps =
      user != nullptr ? maps_of(spec_) : std::vector<ns::IdRange>();
  if (network != nullptr) {
    namespaces_ = TRY(ns::make_network_pair(maps, maps), "making the network namespace");
    network->path = path_of(namespaces_.network);
    TRY(network::bring_up_loopback(namespaces_.network));
    for (const wire::Endpoint& endpoint : spec_.endpoints) {
      TRY(network::join_by_veth(namespaces_.network, endpoint), "joining the network '",
          endpoint.network, "'");
      endpoints_.push_back(endpoint);
    }
  } else if (user != nullptr) {
    namespaces_.user = TRY(ns::make_user_namespace(maps, maps), "making the user namespace");
  }
  if (user != nullptr) {
    user->path = path_of(namespaces_.user);
    return {};
  }
  // Another workload's, which this one shares.
  const auto* joined = configuration_.linux_part.find(NamespaceType::user);
  if (joined != nullptr) namespaces_.user = TRY(ns::open(joined->path, CLONE_NEWUSER));
  return {};
}

Result<oci::runtime::Process> ContainerHull::resolve(const wire::Process& process) const {
  const Accounts accounts = TRY(read_accounts(root_.fd()));
  return make_process(*configuration_.process, process,
                      TRY(find_user(accounts, process.user, process.groups)));
}

Result<Streams> ContainerHull::start_first() {
  if (first_) return fail(ErrorKind::busy, "it runs already");
  // A tree has one user at a time: what still works on it from outside is cut short.
  files_children_.clear();
  view_.reset();
  TRY(ensure_root());
  if (cgroups_ && !has_own_processes()) TRY(clear_cgroups());
  TRY(fill_volumes());
  TRY(make_working_directory());
  oci::runtime::Spec configuration = configuration_;
  Result<oci::runtime::Process> resolved = resolve(spec_.process);
  if (!resolved.ok()) return as_start_failure(std::move(resolved).error());
  configuration.process = resolved.take();
  if (spec_.init) {
    auto& arguments = configuration.process->args;
    arguments.insert(arguments.begin(), kInitPlace);
  }
  Stdio stdio = TRY(make_stdio(spec_.process, configuration.process->user.uid));
  const auto plan =
      TRY(container::make_plan(std::move(configuration), {.id = spec_.id, .bundle = "/"}));

  container::CreateOptions options;
  // A copy of the descriptor: files are reached through ours while the container runs.
  options.root = mount::DetachedMount(Fd(::fcntl(root_.fd().get(), F_DUPFD_CLOEXEC, 3)));
  root_attached_ = true;
  if (namespaces_.user.valid()) options.user_namespace = namespaces_.user;
  if (stdio.console.valid()) options.console_socket = stdio.console;
  if (stdio.input.valid()) options.standard_input = stdio.input;
  if (stdio.output.valid()) options.standard_output = stdio.output;
  if (stdio.error.valid()) options.standard_error = stdio.error;
  options.protection = container::Protection::own_program;
  options.filter_cache = place_.filter_cache;
  Result<container::Created> made = container::create(plan, std::move(options));
  if (!made.ok()) return as_start_failure(std::move(made).error());
  container::Created created = made.take();

  first_.emplace(Running{process::Child(created.pid, std::move(created.pidfd)), Fd()});
  Result<Streams> streams = [&]() -> Result<Streams> {
    cgroups_ = TRY(container::limits::CgroupSet::open(created.cgroups));
    watch_memory();
    TRY(watch("", first_->child.pidfd()));
    return finish_stdio(std::move(stdio), *first_);
  }();
  if (!streams.ok()) {
    loop_.forget(first_->child.pidfd());
    forget_memory();
    first_.reset();
    return streams;
  }
  loop_.post([this] { observer_.on_ready(); });
  return streams;
}

Result<Streams> ContainerHull::start_exec(const std::string& exec, const wire::Process& process) {
  if (!first_) return fail(ErrorKind::busy, "the container is not running");
  if (execs_.contains(exec)) return fail(ErrorKind::already_exists, "exec runs already");
  Result<oci::runtime::Process> resolved = resolve(process);
  if (!resolved.ok()) return as_start_failure(std::move(resolved).error());
  Stdio stdio = TRY(make_stdio(process, resolved.value().user.uid));
  container::ExecOptions options{.init = first_->child.pid(),
                                 .init_pidfd = first_->child.pidfd(),
                                 .cgroups = cgroups_->record(),
                                 .process = resolved.take(),
                                 .filter = configuration_.linux_part.seccomp,
                                 .filter_cache = place_.filter_cache};
  if (process.privileged) options.filter.reset();
  if (stdio.console.valid()) options.console_socket = stdio.console;
  if (stdio.input.valid()) options.standard_input = stdio.input;
  if (stdio.output.valid()) options.standard_output = stdio.output;
  if (stdio.error.valid()) options.standard_error = stdio.error;
  Result<container::Executed> made = container::exec(options);
  if (!made.ok()) return as_start_failure(std::move(made).error());
  container::Executed executed = made.take();
  Running& running =
      execs_.emplace(exec, Running{process::Child(executed.pid, std::move(executed.pidfd)), Fd()})
          .first->second;
  Result<Streams> streams = [&]() -> Result<Streams> {
    TRY(watch(exec, running.child.pidfd()));
    return finish_stdio(std::move(stdio), running);
  }();
  if (!streams.ok()) {
    loop_.forget(running.child.pidfd());
    execs_.erase(exec);
  }
  return streams;
}

Result<void> ContainerHull::watch(const std::string& exec, FdRef pidfd) {
  return loop_.watch(pidfd, {.readable = true},
                     [this, exec](io::Readiness) { on_end(std::string(exec)); });
}

void ContainerHull::on_end(const std::string& exec) {
  std::optional<Running> ended;
  if (exec.empty()) {
    ended = std::exchange(first_, std::nullopt);
  } else if (auto node = execs_.extract(exec)) {
    ended = std::move(node.mapped());
  }
  if (!ended) return;
  loop_.forget(ended->child.pidfd());
  wire::Ending ending;
  const Result<process::End> end = ended->child.wait();
  if (!end.ok()) {
    ending = {.code = 255, .failure = end.error().message()};
  } else if (const auto* signalled = std::get_if<process::Signalled>(&end.value())) {
    ending = {.signalled = true, .code = signalled->signal};
  } else {
    ending.code = std::get<process::Exited>(end.value()).code;
  }
  if (!exec.empty()) return observer_.on_exec_end(exec, ending);
  if (memory_watch_) {
    const Result<std::uint64_t> kills = memory_watch_->take();
    ending.out_of_memory = kills.ok() && kills.value() > 0;
  }
  forget_memory();
  if (!has_own_processes()) {
    discard(cgroups_->kill(), "the next start, or the removal, kills again and reports");
  }
  observer_.on_end(ending);
}

Result<void> ContainerHull::clear_cgroups() {
  if (!cgroups_) return {};
  container::limits::CgroupSet cgroups = std::move(*cgroups_);
  cgroups_.reset();
  TRY(cgroups.kill());
  return cgroups.remove(end_deadline());
}

void ContainerHull::remove(Done<> done) {
  if (first_ || files_children_.empty()) return done(remove_all());
  removed_ = std::move(done);
  removal_timer_ = loop_.after(kReadersLimit, [this] { finish_removal(); });
}

void ContainerHull::finish_removal() {
  if (!removed_) return;  // the limit and the last reader came together
  loop_.cancel(std::exchange(removal_timer_, 0));
  Done<> done = std::exchange(removed_, {});
  done(remove_all());
}

Result<void> ContainerHull::remove_all() {
  files_children_.clear();
  view_.reset();
  forget_memory();
  if (first_) loop_.forget(first_->child.pidfd());
  for (auto& [id, exec] : execs_) loop_.forget(exec.child.pidfd());
  Result<void> outcome;
  // Thawed first: what is frozen on v1 does not die.
  if (cgroups_ && first_) {
    discard(cgroups_->thaw(end_deadline()), "killing says what is wrong with the cgroups");
    outcome = cgroups_->kill();
  }
  // Killed and reaped by their owners.
  execs_.clear();
  first_.reset();
  const Result<void> cleared = clear_cgroups();
  if (outcome.ok()) outcome = cleared;
  root_ = {};
  const Result<void> released = place_.root->release();
  if (outcome.ok()) outcome = released;
  namespaces_ = {};
  return outcome;
}

}  // namespace proa::hull
