// Foreign bytes as a layer's blob: whatever converts must be a whole layer that gives its tar
// back, and the tar's own bytes again the same layer.
#include "image/layer/verify.h"
#include "tests/fixtures/layer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace proa;
  const std::string_view blob(reinterpret_cast<const char*>(data), size);
  const image::LayerLimits limits = {.tar_bytes = 8 << 20,
                                     .entries = 2000,
                                     .sparse_pieces = 1000,
                                     .image_bytes = std::uint64_t{64} << 20,
                                     .metadata_bytes = 4 << 20};
  const auto layer = fixtures::convert(blob, limits, 1 + size / 3);
  if (!layer.ok()) return 0;
  const auto& [image, tarmap, info] = layer.value();
  const auto verified = image::verify_metadata(image, info.diff_id);
  if (!verified.ok()) std::fprintf(stderr, "%s\n", verified.error().message().c_str());
  CHECK(verified.ok());
  const auto tar = fixtures::restore(layer.value());
  CHECK(tar.ok());
  CHECK(Digest::of(tar.value()) == info.diff_id);
  const auto again = fixtures::convert(tar.value(), limits);
  CHECK(again.ok());
  CHECK(fixtures::bytes_in(again.value().image) == fixtures::bytes_in(image));
  return 0;
}
