#include "build/run/layer_tar.h"

#include <algorithm>
#include <optional>

#include "base/id.h"
#include "base/text.h"
#include "image/ingest/publish.h"
#include "image/tar/entry_writer.h"
#include "kernel/file/file.h"

namespace proa::build {

using image::TarEntry;

Result<LayerTar> LayerTar::create(const image::Store& store, const image::Staging& staging) {
  const std::string id = random_hex(8);
  image::Staging::File file = TRY(staging.create_file(cat(id, ".erofs")));
  image::Staging::File map = TRY(staging.create_file(cat(id, ".tarmap.zst")));
  LayerTar tar(store, staging, std::move(file), std::move(map));
  image::TarmapWriter tarmap = TRY(image::TarmapWriter::create(tar.tarmap_.fd));
  tar.builder_ =
      std::make_unique<image::LayerBuilder>(tar.file_.fd, std::move(tarmap), image::LayerLimits());
  return tar;
}

Result<void> LayerTar::write(std::string_view bytes) { return builder_->write(bytes_of(bytes)); }

Result<void> LayerTar::pad(std::uint64_t size) {
  return write(std::string(image::tar_padding(size), '\0'));
}

Result<void> LayerTar::add(const TarEntry& entry) {
  ++entries_;
  return write(image::print_tar_entry(entry));
}

Result<void> LayerTar::add_file(const TarEntry& entry, FdRef content) {
  TRY(add(entry));
  thread_local std::vector<std::byte> buffer(std::size_t{256} << 10);
  for (std::uint64_t rest = entry.size; rest > 0;) {
    const std::size_t want = std::min<std::uint64_t>(rest, buffer.size());
    const std::size_t count = TRY(file::read_some(content, MutableByteSpan(buffer).first(want)));
    if (count == 0) {
      return fail(ErrorKind::corrupt, "'", printable(entry.path),
                  "' became shorter while it was read");
    }
    TRY(builder_->write(ByteSpan(buffer).first(count)));
    rest -= count;
  }
  return pad(entry.size);
}

Result<void> LayerTar::add_text(const TarEntry& entry, std::string_view content) {
  TRY(add(entry));
  TRY(write(content));
  return pad(content.size());
}

Result<Layer> LayerTar::finish() {
  TRY(write(image::tar_end()));
  const image::BuiltLayer built = TRY(builder_->finish());
  const Layer layer{built.diff_id, built.tar_bytes};
  const file::LockFile lock = TRY(store_->lock_item(built.diff_id));
  const std::optional<image::LayerRecord> present = TRY(store_->layer(built.diff_id));
  // The blob is the plain tar itself, which the store makes again when somebody wants it.
  if (present && present->made_from(built.diff_id)) return layer;
  const struct stat status = TRY(file::stat(file_.fd));
  image::LayerRecord record;
  record.tar_size = built.tar_bytes;
  record.file_size = static_cast<std::uint64_t>(status.st_size);
  record.largest_id = std::max(built.tree.largest_uid, built.tree.largest_gid);
  const image::ConvertedLayer converted{built.diff_id, std::move(record), std::move(file_),
                                        std::move(tarmap_)};
  TRY(image::publish_layer(*store_, *staging_, {built.diff_id, nullptr, converted}, present));
  return layer;
}

Result<Layer> empty_layer(const image::Store& store, const image::Staging& staging) {
  LayerTar tar = TRY(LayerTar::create(store, staging));
  return tar.finish();
}

}  // namespace proa::build
