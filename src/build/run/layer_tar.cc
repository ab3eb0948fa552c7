#include "build/run/layer_tar.h"

#include <algorithm>
#include <optional>

#include "base/id.h"
#include "base/text.h"
#include "image/tar/entry_writer.h"
#include "kernel/file/file.h"

namespace proa::build {

using image::TarEntry;

Result<LayerTar> LayerTar::create(const image::Store& store, const image::Staging& staging) {
  const std::string id = random_hex(8);
  image::Staging::File file = TRY(staging.create_file(cat(id, ".erofs")));
  image::Staging::File map = TRY(staging.create_file(cat(id, ".tarmap.zst")));
  LayerTar tar(store, std::move(file), std::move(map));
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
  std::optional<image::LayerRecord> record = TRY(store_->layer(built.diff_id));
  const bool present = record.has_value();
  if (!record) {
    const struct stat status = TRY(file::stat(file_.fd));
    record.emplace();
    record->tar_size = built.tar_bytes;
    record->file_size = static_cast<std::uint64_t>(status.st_size);
    record->largest_id = std::max(built.tree.largest_uid, built.tree.largest_gid);
  }
  // The blob is the plain tar itself, which the store makes again when somebody wants it.
  if (record->made_from(built.diff_id)) return layer;
  record->sources.push_back(built.diff_id);
  if (present) {
    // What made it from another blob may have lied about what is in it.
    const Fd there =
        TRY(file::open_at(store_->root(), image::place::layer(built.diff_id), O_RDONLY));
    const bool same = TRY(file::same_content(there, file_.fd));
    if (!same) {
      return fail(ErrorKind::corrupt, "layer ", built.diff_id.text(),
                  " is here already with another content; remove the image that brought it");
    }
  } else {
    TRY(store_->publish(tarmap_.fd, tarmap_.path, image::place::tarmap(built.diff_id)));
    TRY(store_->publish(file_.fd, file_.path, image::place::layer(built.diff_id)));
  }
  TRY(store_->write_record(built.diff_id, *record));
  return layer;
}

Result<Layer> empty_layer(const image::Store& store, const image::Staging& staging) {
  LayerTar tar = TRY(LayerTar::create(store, staging));
  return tar.finish();
}

}  // namespace proa::build
