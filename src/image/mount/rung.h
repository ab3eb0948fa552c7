// The ways in which layers become one tree, from the newest kernels' to the oldest that is
// supported; which one a kernel has is found by trying.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/mount/mount.h"

namespace proa::image {

// `descriptor`: lower directories by descriptors of their mounts (Linux 6.13). `path`: by paths
// in the pinned namespace, one option each (Linux 6.5). `loop`: layers on loop devices, and
// mount(2) with all of them in one string of short names (Linux 5.19). The first two mount layer
// files without a loop device (Linux 6.12).
enum class Rung : std::uint8_t { descriptor, path, loop };

// The best rung of this kernel. `directory` takes a small file for a moment.
Result<Rung> probe_rung(const std::string& directory);

// Mounts one layer file, read-only and attached nowhere.
//
// Errors: not_found, corrupt (no layer file)
Result<mount::DetachedMount> mount_layer(const std::string& path, Rung rung);

// What goes into an overlay.
struct OverlayParts {
  std::vector<mount::DetachedMount> layers;  // the bottom one first
  mount::DetachedMount writable;             // absent: read-only
  std::string upper;                         // names in `writable`
  std::string work;
  bool is_volatile = false;
};

// Makes the overlay. Runs inside the pinned namespace.
Result<mount::DetachedMount> make_overlay(const OverlayParts& parts, Rung rung);

}  // namespace proa::image
