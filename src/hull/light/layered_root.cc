#include "hull/light/layered_root.h"

#include <fcntl.h>

#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::hull {
namespace {

// "layers/<64 hex digits>.erofs" -> the digits.
std::string id_of_layer(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  return name.substr(0, name.find('.'));
}

}  // namespace

LayeredRoot::LayeredRoot(const wire::Spec& spec)
    : id_(spec.id),
      directory_(spec.directory),
      run_(spec.mounts.substr(0, spec.mounts.rfind('/'))),
      is_volatile_(spec.ephemeral),
      root_id_(spec.ids ? spec.ids->first : 0) {
  for (const std::string& path : spec.layers) files_.push_back({id_of_layer(path), path});
}

Result<image::LayerMounts*> LayeredRoot::mounts() {
  if (!mounts_) mounts_ = TRY(image::LayerMounts::open(run_));
  return &*mounts_;
}

Result<mount::DetachedMount> LayeredRoot::make_root(std::optional<FdRef> user_namespace) {
  image::LayerMounts* mounts = TRY(this->mounts());
  // A start anew, or what a shim left that died: the layers are held once.
  if (held_) TRY(mounts->release(id_));
  const Fd directory = TRY(file::open(directory_, O_RDONLY | O_DIRECTORY));
  for (const char* name : {"upper", "work"}) {
    const Result<void> made = file::make_directory(directory, name, 0755);
    if (!made.ok() && made.error().kind() != ErrorKind::already_exists) return made.error();
  }
  // The kernel takes a directory that was mounted as volatile for lost after a crash. There was
  // none: this process unmounted it.
  if (is_volatile_) TRY(file::remove_tree(directory, "work/work/incompat"));
  const image::RootRequest request{
      .user = id_,
      .layers = files_,
      .writable = image::UpperDirectory{upper(), directory_ + "/work", is_volatile_},
      .user_namespace = user_namespace,
      .root_id = root_id_};
  Result<mount::DetachedMount> root = mounts->mount_root(request);
  if (!root.ok() && root.error().kind() == ErrorKind::already_exists) {
    TRY(mounts->release(id_));
    root = mounts->mount_root(request);
  }
  held_ = root.ok();
  return root;
}

Result<LayerView> LayeredRoot::layers() {
  image::LayerMounts* mounts = TRY(this->mounts());
  LayerView view;
  view.upper = TRY(file::open(upper(), O_RDONLY | O_DIRECTORY));
  // Held under a name of its own only while the mount is made: the mount keeps its layers.
  const std::string user = id_ + ".base";
  TRY(mounts->release(user));
  view.base = TRY(mounts->mount_root(
      {.user = user, .layers = files_, .writable = image::ReadOnly(), .user_namespace = {}}));
  TRY(mounts->release(user));
  return view;
}

Result<void> LayeredRoot::release() {
  held_ = false;
  image::LayerMounts* mounts = TRY(this->mounts());
  return mounts->release(id_);
}

}  // namespace proa::hull
