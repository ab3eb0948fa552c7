// A descriptor: media type, digest and size of some content, wherever it is kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/json.h"
#include "base/result.h"
#include "oci/image/platform.h"

namespace proa::oci::image {

// Key to value, in the document's order.
using Annotations = std::vector<std::pair<std::string, std::string>>;

// The value of a key, or nullptr.
const std::string* find(const Annotations& annotations, std::string_view key);
json::Value to_json(const Annotations& annotations);

// Spec:  OCI image specification 1.1, descriptor.md
// Units: `size` in bytes, at most kMaxContent
// Thread: a value.
struct Descriptor {
  // No image has a single blob of more than 1 TiB; a larger one is a lie.
  static constexpr std::uint64_t kMaxContent = std::uint64_t{1} << 40;

  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;
  Annotations annotations = {};
  std::optional<Platform> platform = std::nullopt;
  std::string artifact_type = {};

  // Errors: invalid_argument (names the place), unsupported (a digest that is not sha256)
  static Result<Descriptor> parse(const json::Reader& reader);
  json::Value to_json() const;

  bool operator==(const Descriptor&) const = default;
};

}  // namespace proa::oci::image
