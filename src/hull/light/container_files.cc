// The container's files from outside: each call is the work of a child that sees the workload's
// own tree (its root and its shares), whether it runs or not.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "container/rootfs/rootfs.h"
#include "container/rootfs/sources.h"
#include "hull/files/files.h"
#include "hull/light/bundle.h"
#include "hull/light/container_hull.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"
#include "kernel/process/clone.h"
#include "kernel/process/confine.h"
#include "kernel/process/credentials.h"
#include "kernel/process/file_ids.h"
#include "wire/codec.h"

namespace proa::hull {
namespace {

constexpr std::size_t kStream = std::size_t{1} << 20;  // bytes that a pipe of tar holds

Result<void> become_workload(std::optional<FdRef> user_namespace) {
  if (user_namespace) {
    TRY(ns::join(*user_namespace, CLONE_NEWUSER));
    TRY(process::set_groups({}));
    TRY(process::set_gid(0));
    TRY(process::set_uid(0));
  }
  // What is made has the modes that it was given.
  ::umask(0);
  TRY(keep_file_rights());
  // Asked for anew: a change of rights takes it away.
  return process::die_with_parent();
}

}  // namespace

Result<void> ContainerHull::ensure_root() {
  TRY(make_lasting());
  if (first_ || !root_attached_) return {};
  root_ = TRY(place_.root->make_root(user_namespace()), "making the root file system");
  root_attached_ = false;
  return {};
}

// Runs in the child that makes the view: puts the tree together in a mount namespace of its own.
Result<void> ContainerHull::build_view(const container::Plan& plan, container::Sources& sources) {
  if (first_) {
    const Fd here = TRY(file::open("/proc/self/ns/mnt", O_RDONLY));
    TRY(ns::join_all(first_->child.pidfd(), CLONE_NEWNS));
    sources.root = TRY(mount::clone_tree(FdRef::cwd(), "/", mount::Recursive::no));
    TRY(ns::join(here, CLONE_NEWNS));
  } else {
    sources.root = std::move(root_);
  }
  TRY(ns::unshare(CLONE_NEWNS));
  TRY(mount::set_propagation("/", MS_SLAVE | MS_REC));
  container::Rootfs rootfs = TRY(container::Rootfs::attach(sources.root));
  // Places for the shares that the image lacks are made as the workload's root user.
  if (spec_.ids) TRY(process::set_file_ids(spec_.ids->first, spec_.ids->first));
  for (std::size_t index = 0; index < plan.mounts.size(); ++index) {
    const auto& source = sources.binds[index];
    if (source) TRY(rootfs.mount(plan.mounts[index], &*source));
  }
  if (spec_.ids) TRY(process::set_file_ids(0, 0));
  if (spec_.read_only) TRY(rootfs.make_root_readonly());
  return rootfs.enter(container::RootChange::pivot, plan);
}

// The workload's root and shares without what its own system mounts (proc and the like), made once
// for each time that it runs or does not. It lives as long as the descriptor and the children in
// it.
Result<void> ContainerHull::ensure_view() {
  if (view_.valid()) return {};
  TRY(ensure_root());
  oci::runtime::Spec tree = configuration_;
  tree.mounts.clear();
  tree.linux_part.sysctl.clear();
  tree.process->args = {"/"};
  wire::Spec spec = spec_;
  spec.init = false;
  add_shares(spec, "", tree);
  const auto plan = TRY(container::make_plan(std::move(tree), {.id = spec_.id, .bundle = "/"}));
  // Anything for a root: the child takes the right one.
  mount::DetachedMount any = TRY(mount::clone_tree(FdRef::cwd(), "/", mount::Recursive::no));
  auto sources = TRY(container::open_sources(plan, std::move(any), user_namespace()));
  file::Pipe outcome = TRY(file::make_pipe(4096));
  process::Cloned cloned = TRY(process::clone({}));
  if (cloned.pid == 0) {
    FilesChild::Report report(std::move(outcome.write));
    const Result<void> tied = process::die_with_parent();
    const Result<void> built = tied.ok() ? build_view(plan, sources) : tied;
    built.ok() ? report.success("") : report.failure(built.error());
    // Holds the namespace until the parent has opened it.
    while (true) ::pause();
  }
  const process::Child holder(cloned.pid, std::move(cloned.pidfd));
  outcome.write.reset();
  // The child attaches the root, which can be done once, whatever comes after it.
  if (!first_) root_attached_ = true;
  TRY(FilesChild::read_report(outcome.read), "looking into the container");
  view_ = TRY(ns::open(cat("/proc/", holder.pid(), "/ns/mnt"), CLONE_NEWNS));
  return {};
}

Result<void> ContainerHull::start_files_child(const FilesChild::Work& work,
                                              Done<std::string>& done) {
  const std::uint64_t number = ++last_files_child_;
  auto child = TRY(FilesChild::start(loop_, work, done, [this, number] {
    files_children_.erase(number);
    if (removed_ && files_children_.empty()) loop_.post([this] { finish_removal(); });
  }));
  files_children_.emplace(number, std::move(child));
  return {};
}

void ContainerHull::run_on_files(const FilesWork& work, int stream, Done<std::string> done) {
  const auto enter = [&](FdRef report) -> Result<Fd> {
    TRY(ns::join(view_, CLONE_NEWNS));
    TRY(become_workload(user_namespace()));
    Fd root = TRY(file::open("/", O_RDONLY | O_DIRECTORY));
    // With the other end of its own stream it would wait for itself.
    TRY(process::close_all_but({root.get(), report.get(), stream}));
    return root;
  };
  const auto start = [&]() -> Result<void> {
    TRY(ensure_view());
    return start_files_child(
        [&](FilesChild::Report& report) {
          const Result<Fd> root = enter(report.pipe());
          if (!root.ok()) return report.failure(root.error());
          const Result<void> worked = work(root.value(), report);
          if (!worked.ok()) report.failure(worked.error());
        },
        done);
  };
  const Result<void> started = start();
  if (!started.ok()) done(started.error());
}

void ContainerHull::stat_path(const std::string& path, Done<wire::PathStat> done) {
  run_on_files(
      [path](FdRef root, FilesChild::Report& report) -> Result<void> {
        report.success(wire::encode(TRY(files::stat_path(root, path))));
        return {};
      },
      -1,
      [done = std::move(done)](Result<std::string> body) mutable {
        if (!body.ok()) return done(std::move(body).error());
        done(wire::decode<wire::PathStat>(body.value()));
      });
}

void ContainerHull::stream_files(const StreamWork& work, Done<Fd> done) {
  Result<file::Pipe> made = file::make_pipe(kStream);
  if (!made.ok()) return done(std::move(made).error());
  file::Pipe pipe = made.take();
  const int output = pipe.write.get();
  run_on_files(
      [&](FdRef root, FilesChild::Report& report) -> Result<void> {
        return work(root, report, FdRef(output));
      },
      output,
      [reading = std::move(pipe.read), done = std::move(done)](Result<std::string> body) mutable {
        if (!body.ok()) return done(std::move(body).error());
        done(std::move(reading));
      });
}

void ContainerHull::copy_out(const std::string& path, Done<Fd> done) {
  stream_files(
      [path](FdRef root, FilesChild::Report& report, FdRef output) -> Result<void> {
        const files::Place place = TRY(files::find_place(root, path));
        // Found: from here on a failure is the stream's early end.
        report.success("");
        return files::pack(place, path, files::Submounts::follow, output);
      },
      std::move(done));
}

void ContainerHull::export_tree(Done<Fd> done) {
  stream_files(
      [](FdRef root, FilesChild::Report& report, FdRef output) -> Result<void> {
        report.success("");
        return files::pack_all(root, output);
      },
      std::move(done));
}

void ContainerHull::copy_in(const wire::Path& directory, Fd tar, Done<> done) {
  const int input = tar.get();
  run_on_files(
      [directory, input](FdRef root, FilesChild::Report& report) -> Result<void> {
        TRY(files::unpack(root, directory, FdRef(input)));
        report.success("");
        return {};
      },
      input,
      [done = std::move(done)](const Result<std::string>& outcome) mutable {
        outcome.ok() ? done({}) : done(outcome.error());
      });
}

void ContainerHull::changes(Done<std::vector<wire::Change>> done) {
  Done<std::string> decoded = [done = std::move(done)](Result<std::string> body) mutable {
    if (!body.ok()) return done(std::move(body).error());
    Result<wire::ChangeList> list = wire::decode<wire::ChangeList>(body.value());
    if (!list.ok()) return done(std::move(list).error());
    done(std::move(list.value().changes));
  };
  const auto start = [&]() -> Result<void> {
    TRY(ensure_root());
    const LayerView layers = TRY(place_.root->layers());
    // Places that mounts were put on are the hull's doing.
    std::set<std::string> hidden;
    for (const auto& mount : configuration_.mounts) {
      hidden.insert(container::clean_path(mount.destination));
    }
    const auto compare = [&](FilesChild::Report& report) -> Result<void> {
      TRY(keep_file_rights(OverlayMarks::readable));
      report.success(wire::encode(
          wire::ChangeList{TRY(files::compare(layers.upper, layers.base.fd(), hidden))}));
      return {};
    };
    return start_files_child(
        [&](FilesChild::Report& report) {
          const Result<void> compared = compare(report);
          if (!compared.ok()) report.failure(compared.error());
        },
        decoded);
  };
  const Result<void> started = start();
  if (!started.ok()) decoded(started.error());
}

}  // namespace proa::hull
