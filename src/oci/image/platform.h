// The platform an image is for, and choosing among those of an index.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace proa::oci::image {

// Spec: OCI image specification 1.1, image-index.md, "platform"
// Thread: a value.
struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;     // "" where the architecture has none
  std::string os_version;  // only Windows uses it

  // "os/architecture[/variant]" as --platform takes it; "x86_64" and "aarch64" are understood,
  // and a word alone is an architecture on linux.
  //
  // Errors: invalid_argument
  static Result<Platform> parse(std::string_view text);
  static Result<Platform> parse(const json::Reader& reader);
  // What this program was compiled for.
  static Platform host();
  // The same, with the newest variant that this processor has: "linux/amd64/v3".
  static Platform newest_of_host();

  json::Value to_json() const;
  std::string text() const;
  // Whether an image for `offered` runs where this platform is wanted. arm64 alone means v8.
  bool accepts(const Platform& offered) const;
  // Whether a program made for `made_for` runs here: also an older variant, or the 32-bit processor
  // before this one. An image that names no variant fits them all, as with docker.
  bool runs(const Platform& made_for) const;

  bool operator==(const Platform&) const = default;
};

}  // namespace proa::oci::image
