// Manifests and indexes of images, OCI's and Docker's schema 2: parsed from foreign bytes with
// limits, printed without blanks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "oci/image/descriptor.h"
#include "oci/image/media_type.h"

namespace proa::oci::image {

// The limits of what a foreign document may ask for.
inline constexpr std::size_t kMaxDocument = std::size_t{4} << 20;  // bytes, as registries have it
inline constexpr std::size_t kMaxLayers = 128;
inline constexpr std::size_t kMaxManifests = 1024;  // in one index
inline constexpr int kMaxIndexDepth = 4;            // indexes of indexes

// Spec: OCI image specification 1.1, manifest.md; Docker image manifest v2, schema 2
// Thread: a value.
struct Manifest {
  std::string media_type;
  Descriptor config;
  std::vector<Descriptor> layers;
  Annotations annotations = {};

  // `type`: the media type a registry or descriptor gave it, "" where none did. A document that
  // names another type than that is refused, so that nobody reads it in two ways.
  //
  // Errors: invalid_argument, exhausted (limits), unsupported (not an image; a foreign layer)
  static Result<Manifest> parse(std::string_view text, std::string_view type);
  std::string print() const;
};

// Spec: OCI image specification 1.1, image-index.md; Docker manifest list
// Thread: a value.
struct Index {
  std::string media_type;
  std::vector<Descriptor> manifests;
  Annotations annotations = {};

  // Errors: invalid_argument, exhausted (limits)
  static Result<Index> parse(std::string_view text, std::string_view type);
  std::string print() const;

  // The first manifest for `wanted`. What is no image (attestations) is passed over.
  //
  // Errors: not_found (names the platforms that there are)
  Result<Descriptor> choose(const Platform& wanted) const;
};

using Document = std::variant<Manifest, Index>;
// Parses what `type`, or where that is empty the document itself, says it is.
Result<Document> parse_document(std::string_view text, std::string_view type);

}  // namespace proa::oci::image
