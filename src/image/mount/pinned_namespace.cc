#include "image/mount/pinned_namespace.h"

#include <sched.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include "kernel/file/file.h"
#include "kernel/mount/mount.h"
#include "kernel/namespace/namespace.h"

namespace proa::image {
namespace {

constexpr const char* kOwnNamespace = "/proc/thread-self/ns/mnt";

// Makes a namespace around the calling thread, which ends in it, and gives its file. `place` is
// any directory: the new root has to be mounted somewhere while the old one is left.
Result<Fd> enter_new_namespace(const std::string& place) {
  TRY(ns::unshare(CLONE_NEWNS));
  TRY(mount::set_propagation("/", MS_REC | MS_PRIVATE));
  Fd own = TRY(ns::open(kOwnNamespace, CLONE_NEWNS));
  mount::FileSystem tmpfs = TRY(mount::FileSystem::open("tmpfs"));
  TRY(tmpfs.set("mode", "0700"));
  const mount::DetachedMount root = TRY(tmpfs.make(0));
  TRY(mount::attach(root.fd(), place));
  if (::chdir(place.c_str()) != 0) return fail_errno("entering '", place, "'");
  // With "." for both, the old root ends up above the new one and is taken off there.
  TRY(mount::pivot_root(".", "."));
  TRY(mount::unmount(".", MNT_DETACH));
  if (::chdir("/") != 0) return fail_errno("entering the new root");
  return own;
}

template <typename Step>
auto on_thread(const Step& step) {
  std::optional<decltype(step())> result;
  std::thread([&] { result.emplace(step()); }).join();
  return std::move(*result);
}

}  // namespace

Result<PinnedNamespace> PinnedNamespace::open(const std::string& path) {
  Result<Fd> found = ns::open(path, CLONE_NEWNS);
  Fd outside = TRY(ns::open(kOwnNamespace, CLONE_NEWNS));
  if (found.ok()) return PinnedNamespace(found.take(), std::move(outside));
  Fd made = TRY(make(path), "pinning a mount namespace at '", path, "'");
  return PinnedNamespace(std::move(made), std::move(outside));
}

Result<Fd> PinnedNamespace::make(const std::string& path) {
  const std::string place = path.substr(0, path.rfind('/') + 1);
  const Fd file = TRY(file::open(path, O_RDWR | O_CREAT, 0600));
  Fd made = TRY(on_thread([&] { return enter_new_namespace(place); }));
  const mount::DetachedMount bind = TRY(mount::clone_tree(made, "", mount::Recursive::no));
  TRY(mount::attach(bind.fd(), path));
  // The kernel attaches no copy of a tree with a mount namespace in it (ELOOP). What cannot be
  // bound is left out of copies: else a container could not bind the host's root.
  TRY(mount::set_attributes(bind.fd(), {.propagation = MS_UNBINDABLE}, mount::Recursive::no));
  return made;
}

Result<void> PinnedNamespace::run(const Step& step) const {
  return on_thread([&]() -> Result<void> {
    TRY(ns::unshare(CLONE_FS));
    TRY(ns::join(fd_, CLONE_NEWNS));
    return step();
  });
}

Result<void> PinnedNamespace::run_outside(const Step& step) const {
  TRY(ns::join(outside_, CLONE_NEWNS));
  Result<void> result = step();
  TRY(ns::join(fd_, CLONE_NEWNS));
  return result;
}

}  // namespace proa::image
