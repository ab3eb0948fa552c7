// A layer being made: file entries in, tar bytes into the layer file, its tarmap and its digest.
// The same entries give the same bytes.
//
// Spec: the OCI image specification, "Image Layer Filesystem Changeset": whiteouts
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"
#include "build/cache/layer.h"
#include "image/layer/layer_builder.h"
#include "image/store/store.h"
#include "image/tar/entry.h"

namespace proa::build {

// Owner: whoever makes the layer; borrows the store and the staging. Thread: one at a time.
class LayerTar {
 public:
  static Result<LayerTar> create(const image::Store& store, const image::Staging& staging);

  // Adds an entry without content; for a regular file, `entry.size` bytes follow.
  Result<void> add(const image::TarEntry& entry);
  // Adds a regular file; its holes are written as zeros.
  //
  // Errors: corrupt (the file is shorter than `entry.size`)
  Result<void> add_file(const image::TarEntry& entry, FdRef content);
  Result<void> add_text(const image::TarEntry& entry, std::string_view content);

  bool is_empty() const { return entries_ == 0; }
  // Publishes the layer in the store.
  Result<Layer> finish();

 private:
  LayerTar(const image::Store& store, const image::Staging& staging, image::Staging::File file,
           image::Staging::File tarmap)
      : store_(&store), staging_(&staging), file_(std::move(file)), tarmap_(std::move(tarmap)) {}
  Result<void> write(std::string_view bytes);
  Result<void> pad(std::uint64_t size);

  const image::Store* store_;
  const image::Staging* staging_;
  image::Staging::File file_;
  image::Staging::File tarmap_;
  std::unique_ptr<image::LayerBuilder> builder_;
  std::uint64_t entries_ = 0;
};

// Makes sure that the layer without any entry is in the store.
Result<Layer> empty_layer(const image::Store& store, const image::Staging& staging);

}  // namespace proa::build
