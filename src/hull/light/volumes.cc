// What is made in the workload's trees before it starts: the content of new volumes, and the
// directory that it works in.
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "container/rootfs/copy_up.h"
#include "hull/light/container_hull.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"
#include "kernel/process/clone.h"
#include "kernel/process/confine.h"
#include "kernel/process/credentials.h"

namespace proa::hull {
namespace {

Result<bool> is_empty_directory(const std::string& path) {
  const Result<Fd> opened = file::open(path, O_RDONLY | O_DIRECTORY);
  if (!opened.ok()) return false;
  const auto names = TRY(file::list(opened.value()));
  return names.empty();
}

// What it reads is the image's, so it is done as the workload's root user.
Result<void> fill_volume(FdRef from, FdRef to) {
  const struct stat status = TRY(file::stat(from));
  TRY(container::copy_up(from, to));
  if (::fchown(to.get(), status.st_uid, status.st_gid) != 0 ||
      ::fchmod(to.get(), status.st_mode & 07777) != 0) {
    return fail_errno("giving a volume its owner and mode");
  }
  return {};
}

// Makes what is missing of a path below the root, as mkdir -p.
Result<void> make_path(FdRef root, const std::string& path) {
  std::string so_far;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty()) continue;
    const Fd parent = TRY(file::open_in_root(root, so_far.empty() ? "/" : so_far, O_PATH));
    so_far += cat("/", part);
    if (file::open_in_root(root, so_far, O_PATH).ok()) continue;
    TRY(file::make_directory(parent, std::string(part), 0755));
  }
  return {};
}

}  // namespace

// Runs `work` in a child that is the workload's root user, and waits for it.
Result<void> ContainerHull::as_workload(const std::function<Result<void>()>& work) {
  file::Pipe outcome = TRY(file::make_pipe(4096));
  process::Cloned cloned = TRY(process::clone({}));
  if (cloned.pid == 0) {
    FilesChild::Report report(std::move(outcome.write));
    const auto done = [&]() -> Result<void> {
      if (user_namespace()) {
        TRY(ns::join(*user_namespace(), CLONE_NEWUSER));
        TRY(process::set_groups({}));
        TRY(process::set_gid(0));
        TRY(process::set_uid(0));
      }
      TRY(process::die_with_parent());
      ::umask(0);
      return work();
    }();
    done.ok() ? report.success("") : report.failure(done.error());
    ::_exit(0);
  }
  process::Child child(cloned.pid, std::move(cloned.pidfd));
  outcome.write.reset();
  TRY(FilesChild::read_report(outcome.read));
  TRY(child.wait());
  return {};
}

Result<void> ContainerHull::fill_volumes() {
  for (const wire::Share& share : spec_.shares) {
    if (!share.copy_up) continue;
    const bool is_empty = TRY(is_empty_directory(share.source));
    if (!is_empty) continue;
    const Result<Fd> from =
        file::open_in_root(root_.fd(), share.destination, O_RDONLY | O_DIRECTORY);
    if (!from.ok()) continue;  // nothing there that could be copied
    const mount::DetachedMount volume =
        TRY(mount::clone_tree(FdRef::cwd(), share.source, mount::Recursive::no));
    if (user_namespace()) {
      TRY(mount::set_attributes(volume.fd(), {.user_namespace = user_namespace()->get()},
                                mount::Recursive::no));
    }
    const Fd to = TRY(file::open_at(volume.fd(), ".", O_RDONLY | O_DIRECTORY));
    TRY(as_workload([&] { return fill_volume(from.value(), to); }), "filling the volume for '",
        share.destination, "'");
  }
  return {};
}

Result<void> ContainerHull::make_working_directory() {
  const std::string& path = spec_.process.working_directory;
  if (path.empty() || path == "/" || file::open_in_root(root_.fd(), path, O_PATH).ok()) return {};
  return as_workload([&] { return make_path(root_.fd(), path); });
}

}  // namespace proa::hull
