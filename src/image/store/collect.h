// Taking things out of the store: images, what no image needs any more, and the count of what
// everything takes.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/store/image.h"

namespace proa::image {

// An image that a workload uses, by the id of its configuration.
struct Use {
  Digest image;
  std::string user;
  std::vector<Digest> layers;  // its diff ids
};

// What stays though no image's name keeps it. Asked while nobody can take an image into use
// (Store::lock_content()), but for removals that leave the collecting to the next one.
struct Needs {
  std::function<Result<std::vector<Use>>()> uses = [] { return Result(std::vector<Use>()); };
  // Those that builds come back to.
  std::function<Result<std::vector<Digest>>()> layers = [] {
    return Result(std::vector<Digest>());
  };
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

// Removes a name, and with its last name the image; by id, the image with its only name, or with
// all where forced. A damaged image goes by its name.
//
// Errors: not_found, busy (a workload uses it, or by id: several names without force)
Result<Removed> remove_image(const Store& store, std::string_view text, const Needs& needs,
                             Force force);

// Removes images without a name, or all that nothing uses, and all content no image needs;
// `blobs`: also the compressed blobs of layers that are here as layer files.
// `is_meant` chooses among them, where it is given.
Result<Removed> prune(const Store& store, Which which, const Needs& needs, Blobs blobs,
                      const std::function<bool(const Image&)>& is_meant = {});

// Removes all content that nothing needs, and gives the bytes freed: 0 where somebody is adding
// content, and it is left for the next removal.
Result<std::uint64_t> collect_unneeded(const Store& store, const Needs& needs);

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
