// An image with all the blobs its manifest names as files: those that were dropped or never kept
// are made again.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "image/settings.h"
#include "image/store/image.h"

namespace proa::image {

struct CompleteImage {
  Descriptor manifest;
  std::string manifest_text;
  Descriptor config;
  std::string config_text;
  struct Layer {
    Descriptor blob;
    Fd file;  // read-only, at its start
  };
  std::vector<Layer> layers;
  // True where a compressed blob had been dropped: made anew it has another digest, and so has
  // the manifest.
  bool changed = false;
};

// Errors: corrupt, not_found (a layer is missing)
Result<CompleteImage> complete(const Store& store, const Settings& settings, const Staging& staging,
                               const Image& image);

}  // namespace proa::image
