// LayerMounts keeps an engine's layers mounted in a mount namespace of its own, pinned at
// RUN/mnt, and builds root file systems over them. A layer is mounted once however many use it:
// each mount of a file would have a page cache of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "image/mount/pinned_namespace.h"
#include "image/mount/rung.h"
#include "kernel/file/lock_file.h"
#include "kernel/mount/mount.h"

namespace proa::image {

struct LayerFile {
  std::string id;    // the diff id's 64 hex digits
  std::string path;  // of the layer file, absolute
};

// What lies above the layers.
struct ReadOnly {};
// Two directories in one parent, by absolute paths, neither in use by another mount.
struct UpperDirectory {
  std::string upper;
  std::string work;
  // Never synced: for what dies with the workload.
  bool is_volatile = false;
};
struct UpperTmpfs {
  std::uint64_t bytes;
};
using Writable = std::variant<ReadOnly, UpperDirectory, UpperTmpfs>;

struct RootRequest {
  std::string user;               // who holds the layers: letters, digits, '-', '_', '.'
  std::vector<LayerFile> layers;  // the bottom one first; 1 to kMaxLayers
  Writable writable;
  // A user namespace: ids in the layers and the upper directory are then its inner ids.
  std::optional<FdRef> user_namespace;
  // What that namespace's root user is outside: the overlay's own files are made as this one.
  std::uint32_t root_id = 0;
};
constexpr std::size_t kMaxLayers = 128;

// The namespace outlives the process: the next one finds mounts and users as they were.
//
// Owner:  the engine. Thread: any number at once; processes of one RUN too (a lock file).
class LayerMounts {
 public:
  // Finds the namespace pinned at `<run_directory>/mnt`, or makes it.
  static Result<LayerMounts> open(const std::string& run_directory,
                                  std::optional<Rung> rung = std::nullopt);

  Rung rung() const { return rung_; }

  // Mounts what is not mounted yet, notes `user` as holding the layers, and gives a detached
  // mount of the whole root. On failure nothing is held.
  //
  // Errors: already_exists (this user holds layers already), not_found, corrupt (no layer file)
  Result<mount::DetachedMount> mount_root(const RootRequest& request) const;
  // Lets a user's layers go; layers that nobody holds any more are unmounted. A user that holds
  // nothing is no error.
  Result<void> release(const std::string& user) const;
  // Who holds layers: after a crash the engine releases those that are gone.
  Result<std::vector<std::string>> users() const;
  // The ids of the layers that are mounted.
  Result<std::vector<std::string>> layers() const;
  // Takes the pin away: the namespace and its mounts go with this object, the file systems with
  // the last root over them.
  Result<void> unpin();

 private:
  LayerMounts(std::string run_directory, PinnedNamespace name_space, Rung rung)
      : run_directory_(std::move(run_directory)), namespace_(std::move(name_space)), rung_(rung) {}

  Result<file::LockFile> lock() const;
  // Both run inside the namespace.
  Result<std::vector<mount::DetachedMount>> take_layers(const RootRequest& request) const;
  Result<mount::DetachedMount> build(const RootRequest& request) const;

  std::string run_directory_;
  PinnedNamespace namespace_;
  Rung rung_;
};

}  // namespace proa::image
