// The host's roots: an overlay of the workload's upper directory over layer files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hull/light/root_source.h"
#include "image/mount/layer_mounts.h"
#include "wire/values.h"

namespace proa::hull {

// Thread: the hull's. Owner: the hull.
class LayeredRoot : public RootSource {
 public:
  explicit LayeredRoot(const wire::Spec& spec);

  Result<mount::DetachedMount> make_root(std::optional<FdRef> user_namespace) override;
  Result<LayerView> layers() override;
  Result<void> release() override;

 private:
  Result<image::LayerMounts*> mounts();
  std::string upper() const { return directory_ + "/upper"; }

  std::string id_;
  std::string directory_;
  std::string run_;  // what the pinned namespace lies in
  bool is_volatile_;
  std::uint32_t root_id_;
  bool held_ = false;
  std::vector<image::LayerFile> files_;
  std::optional<image::LayerMounts> mounts_;
};

}  // namespace proa::hull
