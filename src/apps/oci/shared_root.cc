#include "apps/oci/shared_root.h"

#include <sched.h>
#include <sys/mount.h>

#include "base/number.h"
#include "base/text.h"
#include "kernel/file/file.h"
#include "kernel/mount/mount.h"

namespace proa::oci_app {
namespace {

// The number of the mount below, a space, and the root's path.
constexpr const char* kNote = "shared-root";
constexpr int kMostMounts = 64;

}  // namespace

Result<void> note_shared_root(FdRef directory, const container::Plan& plan) {
  if (plan.isolates(CLONE_NEWNS) || plan.root.empty()) return {};
  const std::uint64_t below = TRY(mount::number_of(plan.root), "root");
  return file::replace_file(directory, kNote, cat(below, " ", plan.root), 0600, file::Durable::no);
}

Result<void> clear_shared_root(FdRef directory) {
  const Result<std::string> note = file::read_file_at(directory, kNote);
  if (!note.ok()) {
    return note.error().kind() == ErrorKind::not_found ? Result<void>() : note.error();
  }
  const auto [number, root] = split_once(note.value(), ' ');
  const auto below = TRY(parse_number<std::uint64_t>(number), "the note of the shared root");
  const std::string path(root);
  for (int count = 0; count < kMostMounts; ++count) {
    const Result<std::uint64_t> top = mount::number_of(path);
    if (!top.ok() || top.value() == below) return {};
    TRY(mount::unmount(path, MNT_DETACH));
  }
  return fail(ErrorKind::busy, "root '", path, "': mounts come back all the time");
}

}  // namespace proa::oci_app
