#include "apps/worker/jail.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "kernel/file/file.h"
#include "kernel/mount/mount.h"
#include "kernel/namespace/namespace.h"
#include "kernel/process/confine.h"
#include "kernel/process/credentials.h"

namespace proa::worker {
namespace {

constexpr std::uint32_t kNobody = 65534;
// Any directory does: it is covered for a moment, in a mount namespace of ours.
constexpr const char* kNewRoot = "/tmp";

// What the C library's resolver reads; it may lack any of them.
Result<void> copy_resolver_files(FdRef root) {
  TRY(file::make_directory(root, "etc", 0755));
  for (const char* path : {"etc/resolv.conf", "etc/hosts", "etc/nsswitch.conf", "etc/gai.conf"}) {
    const Result<std::string> content = file::read_file(cat("/", path), std::size_t{1} << 20);
    if (!content.ok()) continue;
    const Fd copy = TRY(file::open_at(root, path, O_WRONLY | O_CREAT | O_EXCL, 0644));
    TRY(file::write_all(copy, bytes_of(content.value())));
  }
  return {};
}

Result<void> leave_file_systems(image::WorkerRole role) {
  TRY(mount::set_propagation("/", MS_PRIVATE | MS_REC));
  mount::FileSystem tmpfs = TRY(mount::FileSystem::open("tmpfs"));
  TRY(tmpfs.set("size", "4m"));
  TRY(tmpfs.set("mode", "0755"));
  const mount::DetachedMount root =
      TRY(tmpfs.make(MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  if (role == image::WorkerRole::fetch) TRY(copy_resolver_files(root.fd()));
  TRY(mount::set_attributes(root.fd(), {.set = MOUNT_ATTR_RDONLY}, mount::Recursive::no));
  TRY(mount::attach(root.fd(), kNewRoot));
  TRY(process::change_directory(kNewRoot));
  TRY(mount::pivot_root(".", "."));
  // The old root lies over the new one now.
  TRY(mount::unmount(".", MNT_DETACH));
  return process::change_directory("/");
}

}  // namespace

Result<void> enter_jail(image::WorkerRole role) {
  TRY(process::die_with_parent());
  TRY(process::lower_limit(RLIMIT_CORE, 0));
  std::uint64_t namespaces = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
  if (role != image::WorkerRole::fetch) namespaces |= CLONE_NEWNET;
  const bool root = ::geteuid() == 0;
  const auto uid = static_cast<std::uint32_t>(::geteuid());
  const auto gid = static_cast<std::uint32_t>(::getegid());
  if (!root) namespaces |= CLONE_NEWUSER;
  TRY(ns::unshare(namespaces));
  if (!root) TRY(ns::write_maps(::getpid(), {{kNobody, uid, 1}}, {{kNobody, gid, 1}}));
  TRY(leave_file_systems(role), "leaving the host's files");
  const int last = TRY(process::last_capability());
  TRY(process::limit_bounding_set(0, last));
  if (root) TRY(process::become(kNobody, kNobody));
  TRY(process::drop_capabilities());
  TRY(process::forbid_dumping());
  TRY(process::forbid_new_privileges());
  // Anew: another user's rights have cleared it.
  return process::die_with_parent();
}

}  // namespace proa::worker
