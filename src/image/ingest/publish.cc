#include "image/ingest/publish.h"

#include <algorithm>

#include "kernel/file/file.h"

namespace proa::image {
namespace {

Result<void> publish_file(const Store& store, const Staging::File& file, const std::string& to) {
  TRY(file::sync(file.fd), "'", file.path, "'");
  return file::rename_at(store.root(), file.path, store.root(), to);
}

// The same tar gives the same layer file: where two blobs claim one diff id and give different
// files, one of them had its worker lie.
Result<void> check_same_layer(const Store& store, const ConvertedLayer& converted) {
  const Digest& diff_id = converted.diff_id;
  const Fd present = TRY(file::open_at(store.root(), place::layer(diff_id), O_RDONLY));
  const bool same = TRY(file::same_content(present, converted.image.fd));
  if (same) return {};
  return fail(ErrorKind::corrupt, "layer ", diff_id.text(),
              " is here already with another content, made from another blob; "
              "remove the image that brought it");
}

}  // namespace

Result<void> publish_layer(const Store& store, const Digest& blob,
                           const std::optional<LayerRecord>& present,
                           const ConvertedLayer& converted) {
  LayerRecord record = present.value_or(converted.record);
  if (present) {
    TRY(check_same_layer(store, converted));
  } else {
    TRY(publish_file(store, converted.tarmap, place::tarmap(converted.diff_id)));
    TRY(publish_file(store, converted.image, place::layer(converted.diff_id)));
    TRY(store.sync_directory(place::kLayers));
  }
  record.sources.push_back(blob);
  return store.write_record(converted.diff_id, record);
}

Result<ItemLocks> lock_both(const Store& store, const Digest& blob, const Digest& diff_id) {
  ItemLocks locks{TRY(store.lock_item(std::min(blob, diff_id))), std::nullopt};
  if (blob != diff_id) locks.second = TRY(store.lock_item(std::max(blob, diff_id)));
  return locks;
}

Result<void> publish_content(const Store& store) {
  TRY(store.sync_directory(place::kLayers));
  return store.sync_directory(place::kBlobs);
}

}  // namespace proa::image
