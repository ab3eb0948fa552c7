#include "image/mount/rung.h"

#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <tuple>
#include <utility>

#include "base/id.h"
#include "base/rollback.h"
#include "kernel/file/file.h"
#include "kernel/loop/loop.h"

namespace proa::image {
namespace {

// Without these a kernel built otherwise would leave marks in the upper directory that make it
// useless as a layer or under another mount.
constexpr std::pair<const char*, const char*> kPlainUpper[] = {
    {"index", "off"}, {"metacopy", "off"}, {"redirect_dir", "off"}};

// A kernel before 6.12 wants a block device; a later one looks into the file, which is no EROFS.
Result<bool> mounts_files(const std::string& directory) {
  const std::string path = cat(directory, "/probe.", random_hex(8));
  Rollback rollback;
  const Fd file = TRY(file::open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
  rollback.add([&] { ::unlink(path.c_str()); });
  if (::ftruncate(file.get(), 1 << 20) != 0) return fail_errno("making a file to try");
  mount::FileSystem erofs = TRY(mount::FileSystem::open("erofs"));
  TRY(erofs.set("source", path));
  const auto made = erofs.make(0);
  return made.ok() || made.error().errno_code() != ENOTBLK;
}

Result<void> set_common(mount::FileSystem& overlay, const OverlayParts& parts) {
  for (const auto& [key, value] : kPlainUpper) TRY(overlay.set(key, value));
  if (parts.is_volatile) TRY(overlay.set_flag("volatile"));
  return {};
}

std::uint64_t attributes_of(const OverlayParts& parts) {
  return parts.writable.valid() ? 0 : MOUNT_ATTR_RDONLY;
}

Result<mount::DetachedMount> by_descriptor(const OverlayParts& parts) {
  mount::FileSystem overlay = TRY(mount::FileSystem::open("overlay"));
  TRY(set_common(overlay, parts));
  for (auto layer = parts.layers.rbegin(); layer != parts.layers.rend(); ++layer) {
    TRY(overlay.set_fd("lowerdir+", layer->fd()));
  }
  if (parts.writable.valid()) {
    const Fd upper =
        TRY(file::open_beneath(parts.writable.fd(), parts.upper, O_PATH | O_DIRECTORY));
    const Fd work = TRY(file::open_beneath(parts.writable.fd(), parts.work, O_PATH | O_DIRECTORY));
    TRY(overlay.set_fd("upperdir", upper));
    TRY(overlay.set_fd("workdir", work));
  }
  return overlay.make(attributes_of(parts));
}

// Attaches the parts as "0", "1", ... and "w" in a fresh directory, which becomes the working
// directory; `rollback` takes them off again.
Result<void> attach_parts(const OverlayParts& parts, Rollback& rollback) {
  const std::string place = cat("/parts.", random_hex(8));
  TRY(file::make_directory(FdRef::cwd(), place, 0700));
  rollback.add([place] { ::rmdir(place.c_str()); });
  if (::chdir(place.c_str()) != 0) return fail_errno("entering '", place, "'");
  rollback.add([] { std::ignore = ::chdir("/"); });
  const auto attach = [&](const mount::DetachedMount& part,
                          const std::string& name) -> Result<void> {
    TRY(file::make_directory(FdRef::cwd(), name, 0700));
    rollback.add([path = cat(place, "/", name)] { ::rmdir(path.c_str()); });
    TRY(mount::attach(part.fd(), name));
    rollback.add([path = cat(place, "/", name)] { ::umount2(path.c_str(), MNT_DETACH); });
    return {};
  };
  for (std::size_t index = 0; index < parts.layers.size(); ++index) {
    TRY(attach(parts.layers[index], cat(index)));
  }
  if (parts.writable.valid()) TRY(attach(parts.writable, "w"));
  return {};
}

Result<mount::DetachedMount> by_path(const OverlayParts& parts) {
  Rollback rollback;
  TRY(attach_parts(parts, rollback));
  mount::FileSystem overlay = TRY(mount::FileSystem::open("overlay"));
  TRY(set_common(overlay, parts));
  for (std::size_t index = parts.layers.size(); index-- > 0;) {
    TRY(overlay.set("lowerdir+", cat(index)));
  }
  if (parts.writable.valid()) {
    TRY(overlay.set("upperdir", cat("w/", parts.upper)));
    TRY(overlay.set("workdir", cat("w/", parts.work)));
  }
  return overlay.make(attributes_of(parts));
}

// One page takes all options: with names of at most three digits, 128 layers need 500 bytes.
std::string option_text(const OverlayParts& parts) {
  std::string text = "lowerdir=";
  for (std::size_t index = parts.layers.size(); index-- > 0;) {
    text += cat(index, index == 0 ? "" : ":");
  }
  if (parts.writable.valid()) {
    text += cat(",upperdir=w/", parts.upper, ",workdir=w/", parts.work);
  }
  for (const auto& [key, value] : kPlainUpper) text += cat(",", key, "=", value);
  if (parts.is_volatile) text += ",volatile";
  return text;
}

Result<mount::DetachedMount> by_mount(const OverlayParts& parts) {
  Rollback rollback;
  TRY(attach_parts(parts, rollback));
  TRY(file::make_directory(FdRef::cwd(), "m", 0700));
  rollback.add([] { ::rmdir("m"); });
  const unsigned long flags = parts.writable.valid() ? 0 : MS_RDONLY;
  if (::mount("overlay", "m", "overlay", flags, option_text(parts).c_str()) != 0) {
    return fail_errno("mounting an overlay of ", parts.layers.size(), " layers");
  }
  rollback.add([] { ::umount2("m", MNT_DETACH); });
  return mount::clone_tree(FdRef::cwd(), "m", mount::Recursive::no);
}

}  // namespace

Result<Rung> probe_rung(const std::string& directory) {
  const bool files = TRY(mounts_files(directory));
  if (!files) return Rung::loop;
  mount::FileSystem tmpfs = TRY(mount::FileSystem::open("tmpfs"));
  const mount::DetachedMount lower = TRY(tmpfs.make(0));
  mount::FileSystem overlay = TRY(mount::FileSystem::open("overlay"));
  if (overlay.set_fd("lowerdir+", lower.fd()).ok()) return Rung::descriptor;
  return overlay.set("lowerdir+", directory).ok() ? Rung::path : Rung::loop;
}

Result<mount::DetachedMount> mount_layer(const std::string& path, Rung rung) {
  const Fd file = TRY(file::open(path, O_RDONLY));
  mount::FileSystem erofs = TRY(mount::FileSystem::open("erofs"));
  // The device lets go when the mount does.
  std::optional<loop::Loop> device;
  if (rung == Rung::loop) device = TRY(loop::Loop::attach(file));
  // fsconfig(2) takes 255 bytes of text.
  const std::string source = path.size() < 256 ? path : cat("/proc/self/fd/", file.get());
  TRY(erofs.set("source", device ? device->path() : source));
  TRY(erofs.set_flag("ro"));
  Result<mount::DetachedMount> made = erofs.make(MOUNT_ATTR_RDONLY);
  if (made.ok()) return made;
  const int code = made.error().errno_code();
  const bool is_damaged = code == EINVAL || code == EBADMSG || code == EUCLEAN;
  Error error = std::move(made).error().with_context(cat("mounting layer '", path, "'"));
  if (is_damaged) return std::move(error).with_kind(ErrorKind::corrupt);
  return error;
}

Result<mount::DetachedMount> make_overlay(const OverlayParts& parts, Rung rung) {
  switch (rung) {
    case Rung::descriptor:
      return by_descriptor(parts);
    case Rung::path:
      return by_path(parts);
    case Rung::loop:
      return by_mount(parts);
  }
  return fail(ErrorKind::internal, "no such rung");
}

}  // namespace proa::image
