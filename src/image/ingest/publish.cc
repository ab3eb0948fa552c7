#include "image/ingest/publish.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/id.h"
#include "kernel/file/file.h"

namespace proa::image {
namespace {

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

Result<void> publish_layer(const Store& store, const Staging& staging, const FinishedLayer& layer,
                           const std::optional<LayerRecord>& present) {
  const ConvertedLayer& converted = layer.converted;
  const Digest& diff_id = converted.diff_id;
  std::vector<std::pair<const Staging::File*, std::string>> files;
  if (layer.blob_file != nullptr) files.emplace_back(layer.blob_file, place::blob(layer.blob));
  if (present) {
    TRY(check_same_layer(store, converted));
  } else {
    files.emplace_back(&converted.tarmap, place::tarmap(diff_id));
    files.emplace_back(&converted.image, place::layer(diff_id));
  }
  LayerRecord record = present.value_or(converted.record);
  record.sources.push_back(layer.blob);
  const Staging::File note = TRY(staging.create_file(cat(random_hex(8), ".json")));
  TRY(file::write_all(note.fd, bytes_of(record.print())), "'", note.path, "'");

  std::vector<FdRef> data{note.fd};
  for (const auto& [file, place] : files) data.emplace_back(file->fd);
  TRY(file::sync_all(data), "layer ", diff_id.text());
  for (const auto& [file, place] : files) {
    TRY(file::rename_at(store.root(), file->path, store.root(), place));
  }
  if (!present) TRY(store.sync_directory(place::kLayers));
  return file::rename_at(store.root(), note.path, store.root(), place::record(diff_id));
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
