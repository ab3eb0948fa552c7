// Taking things out of the store: images, what no image needs any more, and the count of what
// everything takes.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/store/image.h"

namespace proa::image {

// An image that a workload uses, by the id of its configuration, and who uses it.
struct Use {
  Digest image;
  std::string user;
};

enum class Force : bool { no, yes };
enum class Blobs : bool { keep, drop };
enum class Which : std::uint8_t { unnamed, unused };

// What a removal did.
struct Removed {
  std::vector<std::string> untagged;  // names
  std::vector<Digest> deleted;        // images' ids
  std::uint64_t bytes = 0;            // freed on disk; 0 where collecting was put off
  // Somebody was adding content: what is no longer needed is freed by the next removal.
  bool put_off = false;
};

// Layers that stay though no image needs them: those that builds come back to.
using KeptLayers = std::vector<Digest>;

// Removes a name, and with its last name the image; by id, the image with its only name, or with
// all where forced.
//
// Errors: not_found, busy (a workload uses it, or by id: several names without force)
Result<Removed> remove_image(const Store& store, std::string_view text,
                             const std::vector<Use>& uses, Force force,
                             const KeptLayers& kept = {});

// Removes images without a name, or all that nothing uses, and all content no image needs;
// `blobs`: also the compressed blobs of layers that are here as layer files.
Result<Removed> prune(const Store& store, Which which, const std::vector<Use>& uses, Blobs blobs,
                      const KeptLayers& kept = {});

// Removes all content that no image needs, and gives the bytes freed: 0 where somebody is adding
// content, and it is left for the next removal.
Result<std::uint64_t> collect_unneeded(const Store& store, const KeptLayers& kept);

// The layers that images are made of.
Result<std::set<Digest>> layers_of_images(const Store& store);
// What a layer takes on disk, 0 where there is none.
Result<std::uint64_t> layer_bytes(const Store& store, const Digest& diff_id);

// What takes how much on disk; a layer or blob that several images share counts once.
// Units: bytes of disk blocks
struct DiskUsage {
  struct PerImage {
    Digest id;
    std::uint64_t bytes;   // of all its blobs and layers
    std::uint64_t shared;  // of these, what other images have too
  };
  std::uint64_t blobs = 0;
  std::uint64_t layers = 0;
  std::uint64_t reclaimable = 0;  // what no image needs, unfinished downloads included
  std::vector<PerImage> images;
};
Result<DiskUsage> disk_usage(const Store& store);

}  // namespace proa::image
