#include <optional>
#include <vector>

#include "base/id.h"
#include "image/inflate/compression.h"
#include "image/ingest/ingest.h"
#include "image/ingest/publish.h"
#include "kernel/file/file.h"
#include "oci/image/media_type.h"

namespace proa::image {
namespace {

namespace media_type = oci::image::media_type;

constexpr std::size_t kChunk = std::size_t{256} << 10;

// What a layer compressed so is called; plain where images know no such layers.
std::string_view type_of(Compression compression) {
  switch (compression) {
    case Compression::gzip:
      return media_type::kLayerGzip;
    case Compression::zstd:
      return media_type::kLayerZstd;
    default:
      return media_type::kLayer;
  }
}

// Fills the buffer unless the source ends before: the first bytes decide what the layer is.
Result<std::size_t> fill(ByteSource& source, MutableByteSpan buffer) {
  std::size_t size = 0;
  while (size < buffer.size()) {
    const std::size_t count = TRY(source.read(buffer.subspan(size)));
    if (count == 0) break;
    size += count;
  }
  return size;
}

struct Received {
  Descriptor blob;
  std::optional<Staging::File> file;  // where it was compressed
  ConvertedLayer layer;
};

Result<Received> receive_all(const IngestContext& context, ByteSource& source) {
  Conversion conversion = TRY(Conversion::start(context.settings, context.staging, context.stop));
  std::vector<std::byte> buffer(kChunk);
  std::size_t count = TRY(fill(source, buffer));
  const Compression compression = compression_of(text_of(ByteSpan(buffer).first(count)));
  const std::string_view type = type_of(compression);
  std::optional<Staging::File> file;
  if (type != media_type::kLayer) {
    file = TRY(context.staging.create_file(cat(random_hex(8), ".blob")));
  }
  Sha256 hash;
  std::uint64_t size = 0;
  while (count != 0) {
    if (context.stop.stop_requested()) return fail(ErrorKind::cancelled, "cancelled");
    const ByteSpan piece = ByteSpan(buffer).first(count);
    hash.update(piece);
    size += count;
    if (file) TRY(file::write_all(file->fd, piece));
    TRY(conversion.write(piece));
    count = TRY(fill(source, buffer));
  }
  ConvertedLayer layer = TRY(conversion.finish());
  if (!file && compression != Compression::none) {
    // What came was no layer of an image; the tar in it is.
    const Descriptor tar{std::string(type), layer.diff_id, layer.record.tar_size};
    return Received{tar, std::nullopt, std::move(layer)};
  }
  return Received{{std::string(type), hash.finish(), size}, std::move(file), std::move(layer)};
}

}  // namespace

Result<NewLayer> ingest_new_layer(const IngestContext& context, ByteSource& source) {
  const Store& store = context.store;
  const Received received = TRY(receive_all(context, source));
  const Digest& blob = received.blob.digest;
  const Digest& diff_id = received.layer.diff_id;
  if (!received.file && blob != diff_id) {
    return fail(ErrorKind::corrupt, "the worker says ", diff_id.text(), " of the tar ",
                blob.text());
  }
  const ItemLocks locks = TRY(lock_both(store, blob, diff_id));
  const std::optional<LayerRecord> present = TRY(store.layer(diff_id));
  if (!present || !present->made_from(blob)) {
    const bool bring = received.file && !store.has_blob(blob);
    TRY(publish_layer(store, context.staging,
                      {blob, bring ? &*received.file : nullptr, received.layer}, present));
  }
  return NewLayer{received.blob, diff_id};
}

}  // namespace proa::image
