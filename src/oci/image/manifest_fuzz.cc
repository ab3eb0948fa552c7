// Manifests, indexes (a store's index.json is one) and image configurations from any bytes; what
// was accepted prints and parses to the same.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "oci/image/config.h"
#include "oci/image/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa::oci::image;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = parse_document(text, "");
  if (document.ok()) {
    if (const auto* manifest = std::get_if<Manifest>(&document.value())) {
      const auto again = Manifest::parse(manifest->print(), manifest->media_type);
      CHECK(again.ok() && again.value().layers == manifest->layers);
    } else {
      const auto& index = std::get<Index>(document.value());
      const auto again = Index::parse(index.print(), index.media_type);
      CHECK(again.ok() && again.value().manifests == index.manifests);
      proa::discard(index.choose(Platform::host()), "only crashes count");
    }
  }
  const auto config = Config::parse(text);
  if (config.ok()) {
    const auto again = Config::parse(config.value().print());
    CHECK(again.ok() && again.value() == config.value());
  }
  return 0;
}
