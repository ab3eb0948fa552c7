#include "image/mount/layer_mounts.h"

#include <unistd.h>
#include <algorithm>
#include <set>

#include "image/mount/layer_table.h"
#include "kernel/file/file.h"
#include "kernel/process/file_ids.h"

namespace proa::image {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kUserCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

constexpr const char* kRungFile = "rung";
constexpr std::pair<Rung, std::string_view> kRungNames[] = {
    {Rung::descriptor, "descriptor"}, {Rung::path, "path"}, {Rung::loop, "loop"}};

std::string_view name_of(Rung rung) {
  for (const auto& [candidate, name] : kRungNames) {
    if (candidate == rung) return name;
  }
  return {};
}

// What an earlier process found, within the namespace.
std::optional<Rung> known_rung() {
  const Result<std::string> text = file::read_file_at(FdRef::cwd(), kRungFile);
  if (!text.ok()) return std::nullopt;
  for (const auto& [rung, name] : kRungNames) {
    if (text.value() == name) return rung;
  }
  return std::nullopt;
}

std::string pin_of(const std::string& run_directory) { return cat(run_directory, "/mnt"); }

Result<void> check_user(const std::string& user) {
  const bool fits = !user.empty() && user.size() <= 200 && user.front() != '.' &&
                    user.find_first_not_of(kUserCharacters) == std::string::npos;
  if (fits) return {};
  return fail(ErrorKind::invalid_argument, "'", printable(user), "' cannot name a layers' user");
}

Result<void> check(const RootRequest& request) {
  TRY(check_user(request.user));
  if (request.layers.empty() || request.layers.size() > kMaxLayers) {
    return fail(ErrorKind::invalid_argument, request.layers.size(), " layers, 1 to ", kMaxLayers,
                " are possible");
  }
  for (const LayerFile& layer : request.layers) {
    if (layer.id.size() != 64 || layer.id.find_first_not_of(kHex) != std::string::npos) {
      return fail(ErrorKind::invalid_argument, "'", printable(layer.id), "' is no diff id");
    }
  }
  return {};
}

// Of a layer that comes twice only the upper one counts: it hides all of the other. (The kernel
// refuses a directory that is in a stack twice.)
std::vector<LayerFile> without_repeats(const std::vector<LayerFile>& layers) {
  std::vector<LayerFile> distinct;
  std::set<std::string> seen;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    if (seen.insert(layer->id).second) distinct.push_back(*layer);
  }
  std::ranges::reverse(distinct);
  return distinct;
}

std::vector<std::string> ids_of(const std::vector<LayerFile>& layers) {
  std::vector<std::string> ids;
  for (const LayerFile& layer : layers) ids.push_back(layer.id);
  return ids;
}

Result<void> map_ids(const mount::DetachedMount& mount,
                     const std::optional<FdRef>& user_namespace) {
  if (!user_namespace) return {};
  return mount::set_attributes(mount.fd(), {.user_namespace = user_namespace->get()},
                               mount::Recursive::no);
}

Result<void> add_directory(const UpperDirectory& directory, OverlayParts& parts) {
  const std::size_t slash = directory.upper.rfind('/');
  const std::string parent = directory.upper.substr(0, slash + 1);
  if (slash == std::string::npos || !directory.work.starts_with(parent) ||
      directory.work.find('/', slash + 1) != std::string::npos) {
    return fail(ErrorKind::invalid_argument, "'", directory.upper, "' and '", directory.work,
                "' are not two names in one directory");
  }
  parts.writable = TRY(mount::clone_tree(FdRef::cwd(), parent, mount::Recursive::no));
  parts.upper = directory.upper.substr(slash + 1);
  parts.work = directory.work.substr(slash + 1);
  parts.is_volatile = directory.is_volatile;
  return {};
}

Result<void> add_tmpfs(const UpperTmpfs& tmpfs, OverlayParts& parts) {
  mount::FileSystem file_system = TRY(mount::FileSystem::open("tmpfs"));
  TRY(file_system.set("size", cat(tmpfs.bytes)));
  parts.writable = TRY(file_system.make(0));
  parts.upper = "upper";
  parts.work = "work";
  TRY(file::make_directory(parts.writable.fd(), parts.upper, 0755));
  return file::make_directory(parts.writable.fd(), parts.work, 0700);
}

Result<void> add_writable(const Writable& writable, OverlayParts& parts) {
  if (const auto* directory = std::get_if<UpperDirectory>(&writable)) {
    return add_directory(*directory, parts);
  }
  if (const auto* tmpfs = std::get_if<UpperTmpfs>(&writable)) return add_tmpfs(*tmpfs, parts);
  return {};
}

}  // namespace

Result<LayerMounts> LayerMounts::open(const std::string& run_directory, std::optional<Rung> rung) {
  const auto lock = TRY(file::LockFile::wait(cat(run_directory, "/mnt.lock")));
  PinnedNamespace pinned = TRY(PinnedNamespace::open(pin_of(run_directory)));
  // Trying takes a few mounts, and a process opens this for each workload: what was found lies
  // where the mounts do, and goes with them when another kernel comes.
  std::optional<Rung> used = rung;
  const auto prepare = [&]() -> Result<void> {
    if (!used) used = known_rung();
    if (used) return layer_table::prepare();
    const auto probe = [&]() -> Result<void> {
      used = TRY(probe_rung(run_directory));
      return {};
    };
    TRY(pinned.run_outside(probe));
    TRY(layer_table::prepare());
    return file::replace_file(FdRef::cwd(), kRungFile, name_of(*used), 0600, file::Durable::no);
  };
  TRY(pinned.run(prepare));
  return LayerMounts(run_directory, std::move(pinned), *used);
}

Result<file::LockFile> LayerMounts::lock() const {
  return file::LockFile::wait(cat(run_directory_, "/mnt.lock"));
}

Result<mount::DetachedMount> LayerMounts::mount_root(const RootRequest& request) const {
  TRY(check(request));
  const file::LockFile held = TRY(lock());
  RootRequest distinct = request;
  distinct.layers = without_repeats(request.layers);
  const std::vector<std::string> ids = ids_of(distinct.layers);
  mount::DetachedMount root;
  const auto hold_and_build = [&]() -> Result<void> {
    TRY(layer_table::hold(request.user, ids));
    root = TRY(build(distinct));
    return {};
  };
  const auto make = [&]() -> Result<void> {
    Result<void> made = hold_and_build();
    if (!made.ok() && made.error().kind() != ErrorKind::already_exists) {
      discard(layer_table::release(request.user),
              "the first error is the one to report, and users() still names the user");
    }
    return made;
  };
  TRY(namespace_.run(make));
  return root;
}

// Gives each layer's mount, mounting those that are not mounted yet. A copy of a mount takes the
// kernel as long to drop as a mount, so there are none where the mount itself will do.
Result<std::vector<mount::DetachedMount>> LayerMounts::take_layers(
    const RootRequest& request) const {
  const bool is_copied =
      rung_ != Rung::descriptor || request.user_namespace ||
      (std::holds_alternative<ReadOnly>(request.writable) && request.layers.size() == 1);
  std::vector<mount::DetachedMount> taken(request.layers.size());
  std::vector<std::size_t> missing;
  const auto take = [&](std::size_t index) -> Result<void> {
    const std::string& id = request.layers[index].id;
    taken[index] = TRY(is_copied ? layer_table::copy(id) : layer_table::name(id));
    return {};
  };
  for (std::size_t index = 0; index < taken.size(); ++index) {
    const bool is_there = TRY(layer_table::is_mounted(request.layers[index].id));
    if (is_there) {
      TRY(take(index));
    } else {
      missing.push_back(index);
    }
  }
  if (missing.empty()) return taken;
  // The files' paths are the host's: mounted out there, attached in here.
  std::vector<mount::DetachedMount> made;
  const auto mount_missing = [&]() -> Result<void> {
    for (const std::size_t index : missing) {
      made.push_back(TRY(mount_layer(request.layers[index].path, rung_)));
    }
    return {};
  };
  TRY(namespace_.run_outside(mount_missing));
  for (std::size_t which = 0; which < missing.size(); ++which) {
    TRY(layer_table::add(request.layers[missing[which]].id, made[which]));
    TRY(take(missing[which]));
  }
  return taken;
}

Result<mount::DetachedMount> LayerMounts::build(const RootRequest& request) const {
  OverlayParts parts = {.layers = TRY(take_layers(request))};
  for (const mount::DetachedMount& layer : parts.layers) {
    TRY(map_ids(layer, request.user_namespace), "mapping a layer's ids");
  }
  TRY(namespace_.run_outside([&] { return add_writable(request.writable, parts); }));
  if (parts.writable.valid()) {
    TRY(map_ids(parts.writable, request.user_namespace), "mapping the upper directory's ids");
  } else if (parts.layers.size() == 1) {
    // The kernel makes no overlay of one read-only directory.
    return std::move(parts.layers.front());
  }
  if (!request.user_namespace) return make_overlay(parts, rung_);
  // The kernel makes overlay's own directory as whoever mounts, and an id that the mapped upper
  // directory does not know would end in a read-only mount.
  TRY(process::set_file_ids(request.root_id, request.root_id));
  Result<mount::DetachedMount> made = make_overlay(parts, rung_);
  TRY(process::set_file_ids(0, 0));
  return made;
}

Result<void> LayerMounts::release(const std::string& user) const {
  TRY(check_user(user));
  const file::LockFile held = TRY(lock());
  return namespace_.run([&] { return layer_table::release(user); });
}

Result<std::vector<std::string>> LayerMounts::users() const {
  std::vector<std::string> names;
  const auto read = [&]() -> Result<void> {
    names = TRY(layer_table::users());
    return {};
  };
  TRY(namespace_.run(read));
  return names;
}

Result<std::vector<std::string>> LayerMounts::layers() const {
  std::vector<std::string> ids;
  const auto read = [&]() -> Result<void> {
    ids = TRY(layer_table::layers());
    return {};
  };
  TRY(namespace_.run(read));
  return ids;
}

Result<void> LayerMounts::unpin() {
  const file::LockFile held = TRY(lock());
  TRY(mount::unmount(pin_of(run_directory_), MNT_DETACH));
  return file::unlink_at(FdRef::cwd(), pin_of(run_directory_));
}

}  // namespace proa::image
