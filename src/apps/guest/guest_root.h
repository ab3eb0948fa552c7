// A guest's root file system: an overlay over the layers on its read-only disk, its writable part
// on the disk that was copied for this workload, or in memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "hull/light/root_source.h"
#include "wire/guest.h"

namespace proa::guest {

// Thread: the agent's. Owner: the light hull.
class GuestRoot : public hull::RootSource {
 public:
  // Mounts the layers and the writable part; what is mounted stays until the machine goes.
  //
  // Errors: not_found (a disk), invalid_argument (a layer's place), corrupt (a file system)
  static Result<std::unique_ptr<GuestRoot>> mount(const wire::Configure& configure);

  Result<mount::DetachedMount> make_root(std::optional<FdRef> user_namespace) override;
  Result<hull::LayerView> layers() override;
  Result<void> release() override { return {}; }

 private:
  explicit GuestRoot(std::string lower) : lower_(std::move(lower)) {}

  std::string lower_;  // overlay's list, the top layer first
  bool mounted_ = false;
};

// For a machine that goes: leaves its disk with nothing in the journal, so that it can be read
// without the guest. Nothing writes to it any more.
void settle_disk();

// Mounts the host's shares, and writes the files that the engine generated.
Result<void> place_shares(const wire::Configure& configure);

}  // namespace proa::guest
