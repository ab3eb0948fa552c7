// Giving a layer's tar back from layer file and tarmap, by a jailed worker: for blobs that were
// dropped or never kept, and for checking.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "image/ingest/byte_source.h"
#include "image/settings.h"
#include "image/store/store.h"

namespace proa::image {

enum class LayerForm : std::uint8_t { tar, gzip };

// A source of the layer's tar, plain or compressed anew. The end is reached only where all came.
Result<std::unique_ptr<ByteSource>> restore_layer(const Store& store, const Settings& settings,
                                                  const Digest& diff_id, LayerForm form);

// Has a worker check that the layer file's directories and inodes are whole.
//
// Errors: corrupt (says what is damaged), not_found
Result<void> check_layer(const Store& store, const Settings& settings, const Digest& diff_id);

}  // namespace proa::image
