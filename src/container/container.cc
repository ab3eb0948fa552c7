#include "container/container.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/number.h"
#include "container/init/birth.h"
#include "container/init/sync.h"
#include "container/seccomp/cache.h"
#include "kernel/cgroup/layout.h"
#include "kernel/file/file.h"
#include "kernel/namespace/namespace.h"
#include "kernel/process/child.h"
#include "kernel/process/clone.h"
#include "kernel/socket/unix_stream.h"

namespace proa::container {
namespace {

using Joins = std::vector<std::pair<std::uint64_t, Fd>>;

Result<Joins> open_joins(const Plan& plan) {
  Joins joins;
  for (const JoinPlan& join : plan.joins) {
    Fd ns = TRY(ns::open(join.path, join.clone_flag), "namespace '", join.path, "'");
    joins.emplace_back(join.clone_flag, std::move(ns));
  }
  return joins;
}

Result<limits::CgroupSet> make_cgroups(const Plan& plan, const CreateOptions& options,
                                       const cgroup::Layout& layout,
                                       std::vector<std::string>& warnings) {
  const bool privileged = ::geteuid() == 0;
  const limits::Request request{
      .cgroups_path = plan.spec.linux_part.cgroups_path,
      .id = plan.id,
      .hierarchies = options.hierarchies,
      .devices = privileged ? limits::DeviceControl::enforced : limits::DeviceControl::skipped,
      .denied = privileged ? limits::Denied::fails : limits::Denied::skipped};
  const limits::Plan wanted =
      TRY(limits::make_plan(layout, plan.spec.linux_part.resources, request));
  return limits::CgroupSet::create(wanted, warnings);
}

Result<std::optional<Filter>> make_filter(const Plan& plan, const std::string& cache) {
  const auto& profile = plan.spec.linux_part.seccomp;
  if (!profile) return std::optional<Filter>();
  Filter filter =
      TRY(cache.empty() ? seccomp::compile(*profile) : seccomp::compile_cached(*profile, cache));
  return std::optional<Filter>(std::move(filter));
}

// What each of the set's cgroups looks like from inside.
std::vector<CgroupView> views_of(const limits::Record& record, const cgroup::Layout& layout) {
  std::vector<CgroupView> views;
  for (const limits::Member& member : record) {
    const bool unified = member.version == cgroup::Version::v2;
    CgroupView view;
    view.type = unified ? "cgroup2" : "cgroup";
    view.directory = member.directory();
    if (!unified) {
      view.name = member.label.starts_with("name=") ? member.label.substr(5) : member.label;
      for (const cgroup::Hierarchy& hierarchy : layout.hierarchies) {
        if (hierarchy.label() == member.label) view.mount_options = hierarchy.mount_options();
      }
    }
    views.push_back(std::move(view));
  }
  return views;
}

// The idmapped mounts of a plan show the ids of the container's user namespace, which is not
// there yet when they are made: one of the same maps stands in.
Result<Fd> stand_in_namespace(const Plan& plan) {
  for (const MountPlan& mount : plan.mounts) {
    if (mount.id_map != IdMap::container) continue;
    return ns::make_user_namespace(ranges_of(plan.spec.linux_part.uid_mappings),
                                   ranges_of(plan.spec.linux_part.gid_mappings));
  }
  return Fd();
}

// Whether a profile lets a system call through whatever its arguments are.
bool allows(const oci::runtime::Seccomp& profile, std::string_view name) {
  using oci::runtime::SeccompAction;
  for (const auto& rule : profile.rules) {
    if (rule.action == SeccompAction::allow && rule.arguments.empty() &&
        std::ranges::find(rule.names, name) != rule.names.end()) {
      return true;
    }
  }
  return profile.default_action == SeccompAction::allow ||
         profile.default_action == SeccompAction::log;
}

// One container being made; each step undoes itself when the object goes before the last.
class Creation {
 public:
  Creation(const Plan& plan, CreateOptions& options) : plan_(plan), options_(options) {}

  Result<Created> run() {
    TRY(prepare());
    TRY(clone_first());
    TRY(settle());
    return finish();
  }

 private:
  Result<void> prepare() {
    created_.warnings = plan_.warnings;
    layout_ = TRY(cgroup::discover());
    joins_ = TRY(open_joins(plan_));
    filter_ = TRY(make_filter(plan_, options_.filter_cache));
    if (::geteuid() == 0 && (plan_.isolates(CLONE_NEWNS) || !plan_.root.empty())) {
      Fd ids;
      if (!options_.user_namespace) ids = TRY(stand_in_namespace(plan_));
      if (ids.valid()) options_.user_namespace = ids;
      sources_ = TRY(open_sources(plan_, std::move(options_.root), options_.user_namespace,
                                  opens_binds_here() ? OpenBinds::all : OpenBinds::shared));
      options_.user_namespace.reset();
    }
    cgroups_.emplace(TRY(make_cgroups(plan_, options_, layout_, created_.warnings)));
    entrances_ = TRY(cgroups_->entrances());
    socket::Pair pair = TRY(socket::stream_pair(socket::Blocking::yes));
    sync_ = std::move(pair.first);
    child_sync_ = std::move(pair.second);
    return {};
  }

  // Only with our rights, and from our mount namespace, can the sources of some be reached.
  bool opens_binds_here() const {
    return plan_.isolates(CLONE_NEWUSER) || options_.user_namespace ||
           !plan_.has_fresh(CLONE_NEWNS);
  }

  // A process enters a pid namespace by being born in it, and the others of a joined user
  // namespace must be made with its rights: then a process in between joins first, and the first
  // process is born of it, as our child.
  bool needs_in_between() const {
    return plan_.joins_any(CLONE_NEWPID) || plan_.joins_any(CLONE_NEWUSER);
  }

  Result<void> clone_first() {
    const std::uint64_t flags = plan_.fresh & ~std::uint64_t{CLONE_NEWCGROUP};
    if (needs_in_between()) return clone_through(flags);
    process::CloneOptions clone{.flags = flags, .cgroup = cgroups_->unified()};
    process::Cloned cloned = TRY(process::clone(clone));
    if (cloned.pid == 0) become_first(joins_);
    first_.emplace(cloned.pid, std::move(cloned.pidfd));
    return {};
  }

  Result<void> clone_through(std::uint64_t flags) {
    process::Cloned between = TRY(process::clone({.flags = 0, .cgroup = cgroups_->unified()}));
    if (between.pid == 0) run_in_between(flags);
    process::Child child(between.pid, std::move(between.pidfd));
    child_sync_.reset();
    first_.emplace(TRY(await_birth(std::move(child), sync_, created_.warnings)));
    return {};
  }

  [[noreturn]] void run_in_between(std::uint64_t flags) {
    const Result<void> done = [&]() -> Result<void> {
      TRY(begin_birth());
      for (auto& [flag, ns] : joins_) {
        if (flag == CLONE_NEWNS) continue;
        TRY(ns::join(ns, flag));
      }
      std::erase_if(joins_, [](const auto& join) { return join.first != CLONE_NEWNS; });
      process::Cloned cloned = TRY(process::clone({.flags = flags | CLONE_PARENT, .cgroup = {}}));
      if (cloned.pid == 0) become_first(joins_);
      return announce_birth(child_sync_, cloned.pid);
    }();
    if (!done.ok()) discard(send_failure(child_sync_, done.error()), "nobody is left to tell");
    ::_exit(done.ok() ? 0 : 1);
  }

  [[noreturn]] void become_first(Joins& joins) {
    Init init{.plan = plan_, .sources = std::move(sources_), .sync = std::move(child_sync_)};
    init.gate = options_.gate;
    for (auto& [flag, ns] : joins) init.joins.emplace_back(flag, FdRef(ns));
    for (const Fd& entrance : entrances_) init.cgroup_entrances.emplace_back(entrance);
    init.tells_when_mounted = static_cast<bool>(options_.on_mounted);
    init.cgroup_views = views_of(cgroups_->record(), layout_);
    init.filter = std::move(filter_);
    init.console_socket = options_.console_socket;
    init.standard_input = options_.standard_input;
    init.standard_output = options_.standard_output;
    init.standard_error = options_.standard_error;
    init.root_change = options_.root_change;
    init.keyring = options_.keyring;
    init.protection = options_.protection;
    init.preserved = options_.preserved;
    init.passed = options_.passed;
    sync_.reset();
    run_init(init);
  }

  // The first process is born: gives it its ids, its cgroups, and lets hooks look at it.
  Result<void> settle() {
    child_sync_.reset();
    sources_.reset();
    entrances_.clear();
    const pid_t pid = first_->pid();
    const auto& part = plan_.spec.linux_part;
    if (plan_.has_fresh(CLONE_NEWUSER)) {
      TRY(ns::write_maps(pid, ranges_of(part.uid_mappings), ranges_of(part.gid_mappings)));
      TRY(send_sync(sync_, Sync::mapped));
    }
    TRY(set_oom_score(pid));
    std::string state;
    if (options_.on_mounted) {
      TRY(expect_sync(sync_, Sync::mounted, created_.warnings));
      state = TRY(options_.on_mounted(pid));
    }
    return send_sync(sync_, Sync::proceed, state);
  }

  Result<void> set_oom_score(pid_t pid) {
    const auto& score = plan_.spec.process->oom_score_adj;
    if (!score) return {};
    Result<void> written = file::write_existing(cat("/proc/", pid, "/oom_score_adj"), cat(*score));
    if (written.ok() || written.error().kind() != ErrorKind::permission) return written;
    created_.warnings.push_back(
        cat("process.oomScoreAdj: lowering it to ", *score, " needs CAP_SYS_RESOURCE"));
    return {};
  }

  // Waits until the process waits for its start, or has become its program.
  Result<Created> finish() {
    if (options_.gate) {
      TRY(expect_sync(sync_, Sync::ready, created_.warnings));
    } else {
      TRY(wait_for_program(sync_, created_.warnings));
    }
    created_.pid = first_->pid();
    created_.cgroups = cgroups_->record();
    cgroups_->keep();
    created_.pidfd = first_->detach();
    return std::move(created_);
  }

  const Plan& plan_;
  CreateOptions& options_;
  Created created_;
  cgroup::Layout layout_;
  Joins joins_;
  std::optional<Filter> filter_;
  std::optional<Sources> sources_;
  // Before the process: it is killed first, then they are removed.
  std::optional<limits::CgroupSet> cgroups_;
  std::vector<Fd> entrances_;  // for the first process, which moves itself
  Fd sync_, child_sync_;
  std::optional<process::Child> first_;
};

}  // namespace

Protection protection_for(const Plan& plan) {
  const auto& profile = plan.spec.linux_part.seccomp;
  const bool filtered = profile && !(allows(*profile, "execveat") && allows(*profile, "fcntl"));
  // A label changes with the next exec, which would be the launcher's.
  const bool labelled = !plan.spec.process->apparmor_profile.empty();
  return plan.has_fresh(CLONE_NEWPID) && !filtered && !labelled ? Protection::launcher
                                                                : Protection::own_program;
}

Result<Created> create(const Plan& plan, CreateOptions options) {
  return Creation(plan, options).run();
}

Result<std::vector<std::string>> start(FdRef directory, const std::string& name) {
  const Fd gate = TRY(socket::connect_at(directory, name));
  TRY(socket::set_blocking(gate, socket::Blocking::yes));
  TRY(send_sync(gate, Sync::start));
  std::vector<std::string> warnings;
  TRY(wait_for_program(gate, warnings));
  return warnings;
}

}  // namespace proa::container
