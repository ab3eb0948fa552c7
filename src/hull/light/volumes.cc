// The content of the image in new volumes.
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/rootfs/copy_up.h"
#include "hull/light/container_hull.h"
#include "kernel/file/file.h"
#include "kernel/file/pipe.h"
#include "kernel/process/clone.h"
#include "kernel/process/credentials.h"

namespace proa::hull {
namespace {

Result<bool> is_empty_directory(const std::string& path) {
  const Result<Fd> opened = file::open(path, O_RDONLY | O_DIRECTORY);
  if (!opened.ok()) return false;
  const auto names = TRY(file::list(opened.value()));
  return names.empty();
}

// Runs in the child: what it reads is the image's, so it is the workload's root user by then.
Result<void> fill_volume(FdRef from, FdRef to, std::optional<FdRef> user_namespace) {
  TRY(process::die_with_parent());
  if (user_namespace) {
    TRY(ns::join(*user_namespace, CLONE_NEWUSER));
    TRY(process::set_groups({}));
    TRY(process::set_gid(0));
    TRY(process::set_uid(0));
    TRY(process::die_with_parent());
  }
  ::umask(0);
  const struct stat status = TRY(file::stat(from));
  TRY(container::copy_up(from, to));
  if (::fchown(to.get(), status.st_uid, status.st_gid) != 0 ||
      ::fchmod(to.get(), status.st_mode & 07777) != 0) {
    return fail_errno("giving a volume its owner and mode");
  }
  return {};
}

}  // namespace

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
    file::Pipe outcome = TRY(file::make_pipe(4096));
    process::Cloned cloned = TRY(process::clone({}));
    if (cloned.pid == 0) {
      FilesChild::Report report(std::move(outcome.write));
      const Result<void> filled = fill_volume(from.value(), to, user_namespace());
      filled.ok() ? report.success("") : report.failure(filled.error());
      ::_exit(0);
    }
    process::Child child(cloned.pid, std::move(cloned.pidfd));
    outcome.write.reset();
    TRY(FilesChild::read_report(outcome.read), "filling the volume for '", share.destination, "'");
    TRY(child.wait());
  }
  return {};
}

}  // namespace proa::hull
