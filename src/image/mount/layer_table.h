// LayerTable is what the pinned namespace knows: which layers are mounted and who holds them. It
// lives in that namespace's own tmpfs, so it is there exactly as long as the mounts are.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/mount/mount.h"

namespace proa::image {

// All of it runs inside the namespace (PinnedNamespace::run), its root the working directory,
// with the table's lock held. Every step can be done again after a crash in its middle.
//
//   layers/<id>               a layer, mounted
//   holders/<id>/<user>       one for each user of the layer; the directory goes with the last
//   users/<user>/<id>         the same by user
namespace layer_table {

Result<void> prepare();
// Notes that `user` holds the layers.
//
// Errors: already_exists (the user holds layers already)
Result<void> hold(const std::string& user, const std::vector<std::string>& ids);
// Lets go, and unmounts the layers that nobody holds now.
Result<void> release(const std::string& user);
Result<bool> is_mounted(const std::string& id);
Result<void> add(const std::string& id, const mount::DetachedMount& layer);
// Gives a detached copy of the layer's mount: the same file system, the same page cache.
Result<mount::DetachedMount> copy(const std::string& id);
// Names the mount itself. Only threads inside the namespace may put it into an overlay.
Result<mount::DetachedMount> name(const std::string& id);
Result<std::vector<std::string>> users();
Result<std::vector<std::string>> layers();

}  // namespace layer_table
}  // namespace proa::image
