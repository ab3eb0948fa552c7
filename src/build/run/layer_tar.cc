#include "build/run/layer_tar.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/id.h"
#include "base/text.h"
#include "kernel/file/file.h"

namespace proa::build {
namespace {

using image::TarEntry;
using image::TarType;

constexpr std::size_t kBlock = 512;
constexpr std::size_t kNameField = 100;
constexpr std::uint64_t kMaxOctal7 = 07777777;
constexpr std::uint64_t kMaxOctal11 = 077777777777;

char type_flag(TarType type) {
  switch (type) {
    case TarType::file:
      return '0';
    case TarType::hard_link:
      return '1';
    case TarType::symbolic_link:
      return '2';
    case TarType::character_device:
      return '3';
    case TarType::block_device:
      return '4';
    case TarType::directory:
      return '5';
    case TarType::fifo:
      return '6';
  }
  return '0';
}

void put_octal(char* field, std::size_t width, std::uint64_t number) {
  for (std::size_t digit = width - 1; digit-- > 0;) {
    field[digit] = static_cast<char>('0' + (number & 7));
    number >>= 3;
  }
}

std::string header_block(const TarEntry& entry, std::string_view name, std::uint64_t size,
                         char type) {
  std::string block(kBlock, '\0');
  char* at = block.data();
  std::memcpy(at, name.data(), std::min(name.size(), kNameField));
  put_octal(at + 100, 8, entry.mode & 07777);
  put_octal(at + 108, 8, std::min<std::uint64_t>(entry.uid, kMaxOctal7));
  put_octal(at + 116, 8, std::min<std::uint64_t>(entry.gid, kMaxOctal7));
  put_octal(at + 124, 12, std::min(size, kMaxOctal11));
  put_octal(at + 136, 12,
            static_cast<std::uint64_t>(std::clamp<std::int64_t>(
                entry.mtime_seconds, 0, static_cast<std::int64_t>(kMaxOctal11))));
  std::memset(at + 148, ' ', 8);
  at[156] = type;
  std::memcpy(at + 157, entry.link.data(), std::min(entry.link.size(), kNameField));
  std::memcpy(at + 257,
              "ustar\0"
              "00",
              8);
  put_octal(at + 329, 8, std::min<std::uint64_t>(entry.major, kMaxOctal7));
  put_octal(at + 337, 8, std::min<std::uint64_t>(entry.minor, kMaxOctal7));
  unsigned sum = 0;
  for (const char byte : block) sum += static_cast<unsigned char>(byte);
  put_octal(at + 148, 7, sum);
  at[155] = ' ';
  return block;
}

// "<length> key=value\n", the length counting its own digits.
void add_record(std::string& records, std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (cat(length).size() + rest != length) length = cat(length).size() + rest;
  records += cat(length, " ", key, "=", value, "\n");
}

// What the old header has no room for.
std::string extended_records(const TarEntry& entry, std::string_view name) {
  std::string records;
  if (entry.gid > kMaxOctal7) add_record(records, "gid", cat(entry.gid));
  if (entry.link.size() > kNameField) add_record(records, "linkpath", entry.link);
  if (entry.mtime_seconds < 0) add_record(records, "mtime", cat(entry.mtime_seconds));
  if (name.size() > kNameField) add_record(records, "path", name);
  if (entry.size > kMaxOctal11) add_record(records, "size", cat(entry.size));
  if (entry.uid > kMaxOctal7) add_record(records, "uid", cat(entry.uid));
  for (const image::Xattr& xattr : entry.xattrs) {
    add_record(records, cat("SCHILY.xattr.", xattr.name), xattr.value);
  }
  return records;
}

}  // namespace

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
  static constexpr std::array<char, kBlock> kZeros = {};
  const std::size_t rest = (kBlock - size % kBlock) % kBlock;
  return rest == 0 ? Result<void>() : write({kZeros.data(), rest});
}

Result<void> LayerTar::add(const TarEntry& entry) {
  ++entries_;
  std::string name = entry.path;
  if (entry.type == TarType::directory && !name.ends_with('/')) name += '/';
  const std::string records = extended_records(entry, name);
  if (!records.empty()) {
    TarEntry extended;
    extended.mode = 0644;
    TRY(write(header_block(extended, "PaxHeaders.0/x", records.size(), 'x')));
    TRY(write(records));
    TRY(pad(records.size()));
  }
  const std::uint64_t size = entry.type == TarType::file ? entry.size : 0;
  return write(header_block(entry, name, size, type_flag(entry.type)));
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
  TRY(write(std::string(2 * kBlock, '\0')));
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
