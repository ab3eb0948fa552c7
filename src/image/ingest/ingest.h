// Taking one layer of an image into the store. The bytes are hashed and written here, by trusted
// code that reads nothing into them; a jailed worker that sees nothing but them makes the layer
// file; both are published once their digests are known. Also the only place that decides whether
// a layer that is here already may serve an image.
#pragma once

#include <stop_token>

#include "base/result.h"
#include "image/ingest/byte_source.h"
#include "image/progress.h"
#include "image/settings.h"
#include "image/store/store.h"

namespace proa::image {

// What an ingest works with; all of it outlives the call.
struct IngestContext {
  const Store& store;
  const Staging& staging;
  const Settings& settings;
  const ProgressSink& progress;
  std::stop_token stop;
};

// Whether the compressed bytes stay as a blob beside the layer file.
enum class KeepBlob : bool { no, yes };

struct WantedLayer {
  Descriptor blob;  // as the manifest has it
  Digest diff_id;   // as the configuration has it
  KeepBlob keep = KeepBlob::yes;
};

// Makes blob and layer file present, or finds that they are. What was received before a broken
// connection or a kill is kept below partial/ and not asked for again. Durable, but for the
// directories' entries: publish_content().
//
// Errors: corrupt (digest or size differ; two blobs that claim one diff id differ; what the
//         layer converter says), cancelled, and what the source says
// Thread: any number at once; the same layer is done once, between processes too.
Result<void> ingest_layer(const IngestContext& context, const WantedLayer& wanted,
                          const OpenSource& open);

// What became of a layer whose digests nobody told.
struct NewLayer {
  Descriptor blob;
  Digest diff_id;
};

// As ingest_layer, for a tar that is read once to its end: an imported file system. Compressed by
// gzip or zstd it is kept as it came, by xz or bzip2, or plain, only as the layer file.
Result<NewLayer> ingest_new_layer(const IngestContext& context, ByteSource& source);

}  // namespace proa::image
