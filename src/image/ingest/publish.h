// The last steps of taking a layer in: locks under which one layer is done once, and giving what
// was made its place. Used by whoever ingests; nothing here reads the layer.
#pragma once

#include <optional>

#include "base/digest.h"
#include "base/result.h"
#include "image/ingest/conversion.h"
#include "image/store/store.h"
#include "kernel/file/lock_file.h"

namespace proa::image {

struct ItemLocks {
  file::LockFile first;
  std::optional<file::LockFile> second;
};

// Locks blob and layer, always in the same order: two that want both never wait for each other.
Result<ItemLocks> lock_both(const Store& store, const Digest& blob, const Digest& diff_id);

struct FinishedLayer {
  const Digest& blob;
  const Staging::File* blob_file;  // null: the blob is in the store, or is not kept
  const ConvertedLayer& converted;
};

// Publishes a layer and its blob, or, where the layer is there already, notes that this blob makes
// it too. `present` is the layer's record. Both locks are held. What has a name afterwards is whole
// after a crash, and a record has its layer; whether the names last: publish_content().
//
// Errors: corrupt (it is there with another content)
Result<void> publish_layer(const Store& store, const Staging& staging, const FinishedLayer& layer,
                           const std::optional<LayerRecord>& present);

// Makes the names of all published blobs and layers durable; before an image gets its name.
Result<void> publish_content(const Store& store);

}  // namespace proa::image
