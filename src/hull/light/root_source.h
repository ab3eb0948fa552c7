// Where a light hull's root file system comes from: the seam that lets one hull serve twice. On
// the host it is an overlay over the layer files in the engine's pinned namespace (layered_root.h),
// its ids mapped; the agent in a guest gives an overlay of its own over the disks it was born with.
#pragma once

#include <optional>

#include "base/fd.h"
#include "base/result.h"
#include "kernel/mount/mount.h"

namespace proa::hull {

// What the writable layer is compared with.
struct LayerView {
  Fd upper;                   // the overlay's upper directory; invalid where nothing is writable
  mount::DetachedMount base;  // the read-only layers alone, attached nowhere
};

// Thread: the hull's. Owner: the hull.
class RootSource {
 public:
  virtual ~RootSource() = default;

  // Makes the root: a mount attached nowhere, whose ids are those inside `user_namespace`, or the
  // caller's own without one (in a guest). A mount can be attached once, so this is called for
  // each start; what it gave before is not used by anybody then, and what was written is still
  // there.
  virtual Result<mount::DetachedMount> make_root(std::optional<FdRef> user_namespace) = 0;
  // Gives both sides of the comparison, at any time after make_root.
  //
  // Errors: unsupported (the source cannot tell its layers apart)
  virtual Result<LayerView> layers() = 0;
  // Lets go of all that make_root took, but not of what was written. Nothing to let go is no error.
  virtual Result<void> release() = 0;
};

}  // namespace proa::hull
