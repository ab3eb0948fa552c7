// Images as users see them: looked up by name or id, with manifest and configuration read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/store/names.h"
#include "oci/image/config.h"
#include "oci/image/manifest.h"

namespace proa::image {

// Thread: a value.
struct Image {
  Descriptor target;    // what was pulled: a manifest, or an index
  Descriptor manifest;  // the manifest for the platform that is here
  oci::image::Manifest content;
  oci::image::Config config;
  std::vector<std::string> names;               // "docker.io/library/node:20"
  std::vector<std::string> entries;             // names in index.json, "" and digests among them
  std::vector<std::string> repository_digests;  // "docker.io/library/node@sha256:..."

  // What Docker calls the image's id: the digest of its configuration.
  const Digest& id() const { return content.config.digest; }
  // Sum of the layers' tars, as Docker counts an image's size.
  std::uint64_t size = 0;
};

// Reads the image behind a root of the store.
//
// Errors: corrupt, not_found (a document is missing), invalid_argument
Result<Image> read_image(const Store& store, const Descriptor& target);

// All images, each once however many names it has, in the order of index.json. Damaged ones are
// passed over: find_image() and verify() tell of them.
Result<std::vector<Image>> list_images(const Store& store);

// Finds one by reference ("node", "node@sha256:..."), by id or by the front of an id.
//
// Errors: not_found, invalid_argument (the front fits several ids), corrupt (the image is damaged)
Result<Image> find_image(const Store& store, std::string_view text);

// Gives the image that `text` means another name.
//
// Errors: as find_image
Result<Image> tag_image(const Store& store, std::string_view text, std::string name);

// Whether documents are damaged or missing, in contrast to that they could not be read now.
bool is_damage(const Error& error);

// The paths of an image's layer files, lowest layer first.
std::vector<std::string> layer_paths(const Store& store, const Image& image);
// The layer whose file has this path.
//
// Errors: invalid_argument
Result<Digest> layer_at(std::string_view path);

}  // namespace proa::image
