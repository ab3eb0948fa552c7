#include "image/store/complete.h"

#include "base/id.h"
#include "image/store/restore.h"

namespace proa::image {
namespace {

namespace media_type = oci::image::media_type;

Result<CompleteImage::Layer> make_again(const Store& store, const Settings& settings,
                                        const Staging& staging, const Descriptor& blob,
                                        const Digest& diff_id) {
  const bool plain = blob.digest == diff_id;
  const std::unique_ptr<ByteSource> source =
      TRY(restore_layer(store, settings, diff_id, plain ? LayerForm::tar : LayerForm::gzip));
  Staging::File file = TRY(staging.create_file(cat(random_hex(8), ".blob")));
  const auto [digest, size] = TRY(sum_up(*source, file.fd));
  if (plain && digest != diff_id) {
    return fail(ErrorKind::corrupt, "layer ", diff_id.text(), " is damaged");
  }
  Descriptor made{std::string(plain ? std::string_view(blob.media_type) : media_type::kLayerGzip),
                  digest, size};
  return CompleteImage::Layer{std::move(made), std::move(file.fd)};
}

}  // namespace

Result<CompleteImage> complete(const Store& store, const Settings& settings, const Staging& staging,
                               const Image& image) {
  CompleteImage whole{image.manifest, {}, image.content.config, {}, {}};
  whole.manifest_text = TRY(store.read_document(image.manifest.digest));
  whole.config_text = TRY(store.read_document(image.content.config.digest));
  oci::image::Manifest manifest = image.content;
  if (manifest.layers.size() != image.config.diff_ids.size()) {
    return fail(ErrorKind::corrupt, "manifest and configuration differ in layers");
  }
  for (std::size_t index = 0; index < manifest.layers.size(); ++index) {
    Descriptor& blob = manifest.layers[index];
    if (store.has_blob(blob.digest)) {
      Fd file = TRY(store.open_blob(blob.digest));
      whole.layers.push_back({blob, std::move(file)});
      continue;
    }
    CompleteImage::Layer layer =
        TRY(make_again(store, settings, staging, blob, image.config.diff_ids[index]),
            "making layer ", blob.digest.text(), " again");
    whole.changed = whole.changed || layer.blob.digest != blob.digest;
    blob = layer.blob;
    whole.layers.push_back(std::move(layer));
  }
  if (whole.changed) {
    // Docker's manifests may name only Docker's layers.
    manifest.media_type = media_type::kManifest;
    manifest.config.media_type = media_type::kConfig;
    whole.config = manifest.config;
    whole.manifest_text = manifest.print();
    whole.manifest = {manifest.media_type, Digest::of(whole.manifest_text),
                      whole.manifest_text.size()};
  }
  return whole;
}

}  // namespace proa::image
