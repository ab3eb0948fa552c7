#include "build/run/assemble.h"

#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "image/ingest/ingest.h"
#include "image/ingest/publish.h"

namespace proa::build {
namespace {

namespace media_type = oci::image::media_type;

constexpr std::string_view kOurs = "proa.dockerfile";

std::string oci_layer_type(const std::string& type) {
  if (type == media_type::kDockerLayerGzip) return std::string(media_type::kLayerGzip);
  if (type == media_type::kDockerLayer) return std::string(media_type::kLayer);
  return type;
}

image::Descriptor blob_of(const Layer& layer, const KnownBlobs& blobs) {
  const auto known = blobs.find(layer.diff_id);
  if (known != blobs.end()) return known->second;
  return {std::string(media_type::kLayer), layer.diff_id, layer.tar_size};
}

// The configuration without the times of its making: the same for the same work.
std::string without_times(oci::image::Config config) {
  config.created.clear();
  for (oci::image::HistoryEntry& entry : config.history) {
    if (entry.comment == kOurs) entry.created.clear();
  }
  return config.print();
}

Result<std::string> write_image(Session& session, const StageResult& stage,
                                const KnownBlobs& blobs) {
  const image::Store& store = session.store();
  oci::image::Manifest manifest{std::string(media_type::kManifest),
                                TRY(store.keep_document(stage.config.print(), media_type::kConfig)),
                                {},
                                {}};
  for (const Layer& layer : stage.layers) {
    image::Descriptor blob = blob_of(layer, blobs);
    blob.media_type = oci_layer_type(blob.media_type);
    manifest.layers.push_back(std::move(blob));
  }
  const image::Descriptor kept = TRY(store.keep_document(manifest.print(), media_type::kManifest));
  return kept.digest.text();
}

}  // namespace

Result<StageResult> read_base(const image::Store& store, const image::Image& image,
                              KnownBlobs& blobs) {
  StageResult result;
  result.config = image.config;
  for (std::size_t index = 0; index < image.config.diff_ids.size(); ++index) {
    const Digest& diff_id = image.config.diff_ids[index];
    const std::optional<image::LayerRecord> record = TRY(store.layer(diff_id));
    if (!record) {
      return fail(ErrorKind::corrupt, "layer ", diff_id.text(), " is missing in the store");
    }
    result.layers.push_back({diff_id, record->tar_size});
    if (index < image.content.layers.size()) {
      blobs.insert_or_assign(diff_id, image.content.layers[index]);
    }
  }
  result.config.diff_ids.clear();
  return result;
}

Result<Built> assemble(Session& session, StageResult stage, const KnownBlobs& blobs,
                       const std::vector<std::string>& names) {
  const image::Store& store = session.store();
  for (const Layer& layer : stage.layers) stage.config.diff_ids.push_back(layer.diff_id);
  if (stage.layers.size() > oci::image::kMaxLayers) {
    return fail(ErrorKind::exhausted, "the image has ", stage.layers.size(), " layers, at most ",
                oci::image::kMaxLayers, " are allowed");
  }
  stage.config.created = to_rfc3339(Moment(std::chrono::seconds(session.now())));
  std::string key = cat("image\n", without_times(stage.config), "\n");
  for (const Layer& layer : stage.layers) key += cat(blob_of(layer, blobs).digest.hex(), "\n");
  if (session.request().source_date) key += cat("at ", *session.request().source_date);
  const auto is_there = [&](const std::string& value) {
    const auto digest = Digest::parse(value);
    if (!digest.ok() || !store.has_blob(digest.value())) return false;
    const auto text = store.read_document(digest.value());
    if (!text.ok()) return false;
    const auto manifest = oci::image::Manifest::parse(text.value(), media_type::kManifest);
    return manifest.ok() && store.has_blob(manifest.value().config.digest);
  };
  const auto write = [&] { return write_image(session, stage, blobs); };
  bool cached = false;
  const std::string value =
      TRY(session.once(Digest::of(key), !session.request().no_cache, is_there, write, cached));
  const Digest digest = TRY(Digest::parse(value));
  const std::string text = TRY(store.read_document(digest));
  const auto manifest = TRY(oci::image::Manifest::parse(text, media_type::kManifest));
  if (!cached) TRY(image::publish_content(store));
  const image::Descriptor target{std::string(media_type::kManifest), digest, text.size()};
  for (const std::string& name : names) TRY(image::set_name(store, {name, target}));
  if (names.empty()) {
    const std::vector<image::Entry> entries = TRY(image::read_entries(store));
    const auto same = [&](const image::Entry& entry) { return entry.target.digest == digest; };
    if (std::ranges::none_of(entries, same)) TRY(image::set_name(store, {"", target}));
  }
  return Built{manifest.config.digest, target, names};
}

}  // namespace proa::build
