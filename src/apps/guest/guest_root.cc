#include "apps/guest/guest_root.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <map>

#include "apps/guest/boot.h"
#include "kernel/block/partition.h"
#include "kernel/file/file.h"

namespace proa::guest {
namespace {

// Short names: overlay's list of layers has to fit into a page.
constexpr const char* kLayers = "/run/l";
constexpr const char* kWritable = "/run/w";
constexpr const char* kRoot = "/run/root";

Result<void> make_place(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno("making ", path);
  return {};
}

Result<void> mount_at(const std::string& source, const std::string& target, const char* type,
                      unsigned long flags, const std::string& data) {
  TRY(make_place(target));
  if (::mount(source.c_str(), target.c_str(), type, flags, data.c_str()) != 0) {
    return fail_errno("mounting ", source, " (", type, ")");
  }
  return {};
}

// "vda" for the disk with this serial number.
Result<std::string> find_disk(const std::string& serial) {
  const Fd directory = TRY(file::open("/sys/block", O_RDONLY | O_DIRECTORY));
  for (const std::string& name : TRY(file::list(directory))) {
    const auto found = file::read_file(cat("/sys/block/", name, "/serial"));
    if (found.ok() && trim(found.value()) == serial) return name;
  }
  return fail(ErrorKind::not_found, "the machine has no disk '", printable(serial), "'");
}

// Waits for a device's node: a driver makes it a moment after it was loaded.
Result<void> wait_for_node(const std::string& path) {
  constexpr int kPatienceMilliseconds = 10'000;
  const Fd news(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!news.valid() || ::inotify_add_watch(news.get(), "/dev", IN_CREATE) < 0) {
    return fail_errno("watching /dev");
  }
  while (!file::exists(path)) {
    pollfd waiting = {.fd = news.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, kPatienceMilliseconds) == 0) {
      return fail(ErrorKind::not_found, "the machine has no ", path);
    }
    std::array<std::byte, 4096> events;
    discard(file::read_some(news, events), "what there is now is looked at itself");
  }
  return {};
}

// Mounts each layer at /run/l/<n>; gives overlay's list, the top one first.
Result<std::string> mount_layers(const std::vector<wire::LayerPlace>& places) {
  TRY(make_place(kLayers));
  std::map<std::string, std::pair<std::string, Fd>> disks;
  std::string lower;
  int number = 0;
  bool pmem_loaded = false;
  for (const wire::LayerPlace& place : places) {
    ++number;
    std::string device = cat("/dev/", place.device);
    if (place.length != 0) {
      auto& [name, disk] = disks[place.device];
      if (!disk.valid()) {
        name = TRY(find_disk(place.device));
        disk = TRY(file::open(cat("/dev/", name), O_RDONLY));
      }
      TRY(block::add_partition(disk, number, place.offset, place.length));
      device = cat("/dev/", name, number);
    }
    if (place.length == 0) {
      if (!pmem_loaded) TRY(load_modules("pmem"));
      pmem_loaded = true;
      TRY(wait_for_node(device));
    }
    const std::string target = cat(kLayers, "/", number);
    TRY(mount_at(device, target, "erofs", MS_RDONLY, place.length == 0 ? "dax" : ""));
    lower = cat(target, lower.empty() ? "" : ":", lower);
  }
  return lower;
}

Result<void> mount_writable(const std::string& serial) {
  if (serial.empty()) {
    TRY(mount_at("tmpfs", kWritable, "tmpfs", 0, "mode=0755,size=75%"));
  } else {
    const std::string disk = TRY(find_disk(serial));
    TRY(mount_at(cat("/dev/", disk), kWritable, "ext4", MS_NOATIME, "discard"));
  }
  TRY(make_place(cat(kWritable, "/upper")));
  return make_place(cat(kWritable, "/work"));
}

}  // namespace

Result<std::unique_ptr<GuestRoot>> GuestRoot::mount(const wire::Configure& configure) {
  std::string lower = TRY(mount_layers(configure.layers));
  TRY(mount_writable(configure.disk));
  return std::unique_ptr<GuestRoot>(new GuestRoot(std::move(lower)));
}

Result<mount::DetachedMount> GuestRoot::make_root(std::optional<FdRef> /*user_namespace*/) {
  if (!mounted_) {
    // By mount(2): on Linux 6.1 overlay takes its layers only as one long text.
    TRY(mount_at(
        "overlay", kRoot, "overlay", 0,
        cat("lowerdir=", lower_, ",upperdir=", kWritable, "/upper,workdir=", kWritable, "/work")));
    mounted_ = true;
  }
  return mount::clone_tree(FdRef::cwd(), kRoot, mount::Recursive::no);
}

Result<hull::LayerView> GuestRoot::layers() {
  hull::LayerView view;
  view.upper = TRY(file::open(cat(kWritable, "/upper"), O_RDONLY | O_DIRECTORY));
  // Overlay wants two layers where nothing is writable.
  constexpr const char* kEmpty = "/run/empty";
  TRY(make_place(kEmpty));
  const std::string base = "/run/base";
  TRY(mount_at("overlay", base, "overlay", MS_RDONLY, cat("lowerdir=", lower_, ":", kEmpty)));
  view.base = TRY(mount::clone_tree(FdRef::cwd(), base, mount::Recursive::no));
  TRY(mount::unmount(base, MNT_DETACH));
  return view;
}

Result<void> place_shares(const wire::Configure& configure) {
  if (!configure.shares.empty()) {
    TRY(load_modules("shares"));
    TRY(mount_at(configure.shares, wire::kGuestShares, "virtiofs", 0, ""));
  }
  for (const wire::GuestFile& given : configure.files) {
    TRY(file::make_directories(given.directory, 0700));
    const Fd directory = TRY(file::open(given.directory, O_RDONLY | O_DIRECTORY));
    const Fd file =
        TRY(file::open_beneath(directory, given.name, O_WRONLY | O_CREAT | O_EXCL, 0644));
    TRY(file::write_all(file, bytes_of(given.content)));
  }
  return {};
}

void settle_disk() {
  if (::mount(nullptr, kWritable, nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) ::sync();
}

}  // namespace proa::guest
