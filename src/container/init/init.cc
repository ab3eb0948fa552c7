#include "container/init/init.h"

#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "container/hooks/hooks.h"
#include "container/init/launcher.h"
#include "container/init/sync.h"
#include "kernel/file/file.h"
#include "kernel/namespace/namespace.h"
#include "kernel/process/credentials.h"
#include "kernel/process/terminal.h"
#include "kernel/socket/unix_stream.h"

namespace proa::container {
namespace {

Result<void> send_warnings(FdRef sync, std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) TRY(send_sync(sync, Sync::warning, warning));
  warnings.clear();
  return {};
}

// A copy of the report's descriptor, at `lowest` or the next free number.
Result<Fd> copy_report(FdRef report, int command, int lowest) {
  Fd copy(::fcntl(report.get(), command, lowest));
  if (copy.valid()) return copy;
  // Invalid is a number that the limit of descriptors does not reach.
  return fail_with(errno == EINVAL ? EMFILE : errno, "passing on the report");
}

// The steps of one first process; each uses what the ones before made.
class Steps {
 public:
  explicit Steps(Init& init) : init_(init), plan_(init.plan), process_(*init.plan.spec.process) {}

  Result<void> run() {
    TRY(enter_namespaces());
    if (has_root()) TRY(mount_all());
    state_ = TRY(wait_for_maker());
    if (has_root()) TRY(finish_root());
    TRY(set_names());
    TRY(prepare_program());
    TRY(wait_for_start());
    TRY(run_hooks(plan_.spec.hooks.start_container, state_), "startContainer hook");
    return become_program();
  }

 private:
  // Else the process stays in the caller's root, which is what joins and hulls without one ask for.
  bool has_root() const { return plan_.isolates(CLONE_NEWNS) || !plan_.root.empty(); }

  Result<void> enter_namespaces() {
    TRY(process::set_dumpable(process::Dumpable::no));
    TRY(enter_cgroups());
    if (plan_.has_fresh(CLONE_NEWUSER)) {
      std::vector<std::string> none;
      TRY(expect_sync(init_.sync, Sync::mapped, none));
    }
    for (const auto& [flag, ns] : init_.joins) TRY(ns::join(ns, flag));
    if (plan_.isolates(CLONE_NEWUSER)) {
      // Until now the ids are those of outside, which own nothing in here.
      TRY(process::set_gid(0));
      TRY(process::set_uid(0));
      TRY(process::set_dumpable(process::Dumpable::no));
    }
    if (plan_.has_fresh(CLONE_NEWCGROUP)) TRY(ns::unshare(CLONE_NEWCGROUP));
    TRY(process::become_session_leader());
    if (init_.keyring == Keyring::join_new) TRY(process::join_keyring(cat("_ses.", plan_.id)));
    ::umask(0);
    return {};
  }

  // Whoever moves itself, and is one thread, need not wait for the lock over all processes' threads
  // that moving another takes, and that costs milliseconds.
  Result<void> enter_cgroups() {
    for (const FdRef entrance : init_.cgroup_entrances) {
      TRY(file::write_all(entrance, bytes_of("0")), "entering a cgroup");
    }
    return {};
  }

  Result<void> mount_all() {
    const bool isolated = plan_.isolates(CLONE_NEWNS);
    if (isolated) TRY(mount::set_propagation("/", MS_SLAVE | MS_REC));
    if (!init_.sources) init_.sources = TRY(open_sources(plan_, {}, {}, OpenBinds::all));
    // In the host's mount namespace it covers its own place, where whoever made it finds it again.
    rootfs_ = TRY(Rootfs::attach(init_.sources->root, isolated ? "/" : plan_.root));
    const bool own_cgroups = plan_.isolates(CLONE_NEWCGROUP);
    for (std::size_t i = 0; i < plan_.mounts.size(); ++i) {
      const MountPlan& mount = plan_.mounts[i];
      if (mount.kind == MountKind::cgroup) {
        TRY(rootfs_->mount_cgroups(mount, init_.cgroup_views, own_cgroups), "mounting cgroups on '",
            mount.destination, "'");
      } else {
        auto& source = init_.sources->binds[i];
        if (mount.kind == MountKind::bind && !source) {
          source = TRY(open_bind(mount, {}), "mounting '", mount.source, "' on '",
                       mount.destination, "'");
        }
        TRY(rootfs_->mount(mount, source ? &*source : nullptr));
      }
    }
    TRY(rootfs_->make_devices(plan_));
    discard(rootfs_->make_working_directory(process_.cwd), "entering it says what is wrong");
    return {};
  }

  // Until the maker has done its part, hooks included.
  Result<std::string> wait_for_maker() {
    if (init_.tells_when_mounted) TRY(send_sync(init_.sync, Sync::mounted));
    std::vector<std::string> none;
    return expect_sync(init_.sync, Sync::proceed, none);
  }

  Result<void> finish_root() {
    if (process_.terminal) TRY(open_terminal());
    TRY(run_hooks(plan_.spec.hooks.create_container, state_), "createContainer hook");
    for (const auto& [key, value] : plan_.spec.linux_part.sysctl) {
      TRY(rootfs_->set_sysctl(key, value));
    }
    TRY(set_labels());
    for (const auto& path : plan_.spec.linux_part.readonly_paths) {
      TRY(rootfs_->make_readonly(path));
    }
    for (const auto& path : plan_.spec.linux_part.masked_paths) TRY(rootfs_->mask(path));
    if (plan_.spec.root && plan_.spec.root->readonly) TRY(rootfs_->make_root_readonly());
    TRY(rootfs_->enter(plan_.isolates(CLONE_NEWNS) ? init_.root_change : RootChange::move, plan_));
    rootfs_.reset();
    init_.sources.reset();
    return {};
  }

  Result<void> open_terminal() {
    process::Terminal terminal = TRY(rootfs_->open_terminal(plan_), "terminal");
    if (process_.console_size) {
      TRY(process::set_window_size(terminal.master,
                                   {process_.console_size->height, process_.console_size->width}));
    }
    if (!init_.console_socket) {
      return fail(ErrorKind::invalid_argument,
                  "process.terminal: needs a console socket to send the terminal to");
    }
    TRY(send_terminal(*init_.console_socket, terminal.master));
    TRY(process::take_terminal(terminal.slave));
    return process::use_as_standard(terminal.slave);
  }

  Result<void> set_labels() {
    if (!process_.apparmor_profile.empty()) {
      const Fd label = TRY(rootfs_->open_proc("thread-self/attr/exec", O_WRONLY),
                           "process.apparmorProfile: AppArmor is not there");
      TRY(file::write_all(label, bytes_of("exec " + process_.apparmor_profile)),
          "process.apparmorProfile '", process_.apparmor_profile, "'");
    }
    return {};
  }

  Result<void> set_names() {
    const std::string& host = plan_.spec.hostname;
    const std::string& domain = plan_.spec.domainname;
    if (!host.empty() && ::sethostname(host.data(), host.size()) != 0) {
      return fail_errno("hostname '", printable(host), "'");
    }
    if (!domain.empty() && ::setdomainname(domain.data(), domain.size()) != 0) {
      return fail_errno("domainname '", printable(domain), "'");
    }
    return {};
  }

  Result<void> prepare_program() {
    if (plan_.spec.linux_part.personality) {
      TRY(process::set_personality(*plan_.spec.linux_part.personality));
    }
    TRY(apply_scheduling(process_));
    if (!process_.terminal) {
      TRY(use_streams({init_.standard_input, init_.standard_output, init_.standard_error}));
    }
    TRY(give_streams(process_.user.uid));
    TRY(apply_limits(process_, warnings_));
    TRY(enter_working_directory(process_.cwd));
    program_ = TRY(find_program(process_));
    return send_warnings(init_.sync, warnings_);
  }

  Result<void> wait_for_start() {
    if (!init_.gate) return {};
    TRY(send_sync(init_.sync, Sync::ready));
    Fd connection;
    while (!connection.valid()) {
      pollfd entry = {init_.gate->get(), POLLIN, 0};
      if (::poll(&entry, 1, -1) < 0 && errno != EINTR) return fail_errno("waiting for the start");
      connection = TRY(socket::accept(*init_.gate));
    }
    TRY(socket::set_blocking(connection, socket::Blocking::yes));
    // Whoever started us hears of what fails from now on.
    init_.sync = std::move(connection);
    std::vector<std::string> none;
    TRY(expect_sync(init_.sync, Sync::start, none));
    return {};
  }

  // What lies at the numbers that they get is of no use any more, but for the report.
  Result<void> place_passed() {
    if (init_.passed.empty()) return {};
    init_.preserved = static_cast<int>(init_.passed.size());
    const int beyond = 3 + init_.preserved;
    std::vector<int> copies;
    for (const FdRef fd : init_.passed) {
      copies.push_back(::fcntl(fd.get(), F_DUPFD_CLOEXEC, beyond));
      if (copies.back() < 0) return fail_errno("passing on a descriptor");
    }
    init_.sync = TRY(copy_report(init_.sync, F_DUPFD_CLOEXEC, beyond));
    for (int index = 0; index < init_.preserved; ++index) {
      if (::dup2(copies[static_cast<std::size_t>(index)], 3 + index) < 0) {
        return fail_errno("passing on a descriptor");
      }
    }
    return {};
  }

  Result<void> become_program() {
    TRY(place_passed());
    TRY(process::close_on_exec_from(3 + init_.preserved));
    if (init_.protection == Protection::own_program) {
      TRY(give_up_rights(process_, filter()));
      return execute(program_.path, process_.args, program_.environment);
    }
    // The launcher's report must outlive one exec; it is put where no preserved one lies.
    const Fd report = TRY(copy_report(init_.sync, F_DUPFD, 3 + init_.preserved));
    const Fd launcher = TRY(make_launcher(report));
    TRY(give_up_rights(process_, filter()));
    return launch(launcher, program_.path, process_.args, program_.environment);
  }

  const Filter* filter() const { return init_.filter ? &*init_.filter : nullptr; }

  Init& init_;
  const Plan& plan_;
  const oci::runtime::Process& process_;
  std::optional<Rootfs> rootfs_;
  std::string state_;
  Program program_;
  std::vector<std::string> warnings_;
};

}  // namespace

void run_init(Init& init) {
  Steps steps(init);
  Result<void> done = steps.run();
  if (!done.ok()) {
    const Error error = name_limit(*init.plan.spec.process, std::move(done).error());
    discard(send_failure(init.sync, error), "nobody is left to tell");
  }
  ::_exit(1);
}

Result<void> send_terminal(FdRef console_socket, FdRef master) {
  const int number = master.get();
  const std::size_t sent =
      TRY(socket::send(console_socket, "/dev/ptmx", {&number, 1}), "sending the terminal");
  if (sent == 0) return fail(ErrorKind::unavailable, "the console socket takes nothing");
  return {};
}

}  // namespace proa::container
