#include <optional>
#include <vector>

#include "base/id.h"
#include "image/ingest/ingest.h"
#include "image/ingest/publish.h"
#include "kernel/file/file.h"
#include "oci/image/media_type.h"

namespace proa::image {
namespace {

namespace media_type = oci::image::media_type;

constexpr std::size_t kChunk = std::size_t{256} << 10;

std::string_view type_of(ByteSpan front) {
  const std::string_view text = text_of(front);
  if (text.starts_with("\x1f\x8b")) return media_type::kLayerGzip;
  if (text.starts_with("\x28\xb5\x2f\xfd")) return media_type::kLayerZstd;
  return media_type::kLayer;
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
  const std::string_view type = type_of(ByteSpan(buffer).first(count));
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
