#include "image/store/store.h"

#include <algorithm>
#include <utility>

#include "base/id.h"
#include "base/json.h"
#include "kernel/file/file.h"
#include "oci/image/manifest.h"

namespace proa::image {
namespace {

// Spec: OCI image specification 1.1, image-layout.md
constexpr const char* kLayoutFile = "content/oci-layout";
constexpr std::string_view kLayoutText = R"({"imageLayoutVersion":"1.0.0"})";

// Bytes of a layer's record: room for hundreds of blobs that give one layer.
constexpr std::size_t kMostRecord = std::size_t{256} << 10;

}  // namespace

namespace place {

std::string blob(const Digest& digest) { return cat(kBlobs, "/", digest.hex()); }
std::string layer(const Digest& diff_id) { return cat(kLayers, "/", diff_id.hex(), ".erofs"); }
std::string tarmap(const Digest& diff_id) {
  return cat(kLayers, "/", diff_id.hex(), ".tarmap.zst");
}
std::string record(const Digest& diff_id) { return cat(kLayers, "/", diff_id.hex(), ".json"); }
std::string partial(const Digest& digest) { return cat(kPartial, "/", digest.hex()); }

}  // namespace place

bool LayerRecord::made_from(const Digest& blob) const {
  return std::ranges::find(sources, blob) != sources.end();
}

Result<LayerRecord> LayerRecord::parse(std::string_view text) {
  const json::Value value = TRY(json::parse(text, "layer record"));
  const json::Reader reader(value, "layer record");
  LayerRecord record;
  const json::Reader list = TRY(reader.at("sources"));
  const std::vector<std::string> sources = TRY(list.strings());
  for (const std::string& source : sources) {
    const Digest digest = TRY(Digest::parse(source), list.path());
    record.sources.push_back(digest);
  }
  const auto number = [&](const char* key) -> Result<std::uint64_t> {
    const json::Reader member = TRY(reader.at(key));
    return member.integer<std::uint64_t>();
  };
  record.tar_size = TRY(number("tarSize"));
  record.file_size = TRY(number("fileSize"));
  record.largest_id = TRY(number("largestId"));
  return record;
}

std::string LayerRecord::print() const {
  json::Value list = json::Value::array();
  for (const Digest& source : sources) list.push(source.text());
  json::Value value = json::Value::object();
  value.set("sources", std::move(list));
  value.set("tarSize", tar_size);
  value.set("fileSize", file_size);
  value.set("largestId", largest_id);
  return json::print(value);
}

Result<Store> Store::open(const std::string& root) {
  TRY(file::make_directories(root, 0711));
  Fd fd = TRY(file::open(root, O_RDONLY | O_DIRECTORY));
  Store store(root, std::move(fd));
  TRY(store.prepare(), "opening the image store '", root, "'");
  TRY(store.remove_leftovers(), "clearing the image store '", root, "'");
  return store;
}

Result<void> Store::prepare() const {
  for (const char* name :
       {place::kBlobs, place::kLayers, place::kTemporary, place::kPartial, place::kLocks}) {
    TRY(file::make_directories(cat(path_, "/", name), 0700));
  }
  const file::LockFile names = TRY(lock_names());
  if (!file::stat_at(root_, kLayoutFile).ok()) {
    TRY(file::replace_file(root_, kLayoutFile, kLayoutText, 0600, file::Durable::content));
  }
  if (!file::stat_at(root_, place::kIndex).ok()) {
    const oci::image::Index empty{std::string(oci::image::media_type::kIndex), {}, {}};
    TRY(file::replace_file(root_, place::kIndex, empty.print(), 0600, file::Durable::yes));
  }
  return {};
}

// Whoever adds content or changes names holds one of the two locks: while nobody does, all in
// tmp/ and all half-written replacements were left by a crash.
Result<void> Store::remove_leftovers() const {
  const std::optional<file::LockFile> alone = TRY(try_lock_collection());
  if (!alone) return {};
  const file::LockFile names_lock = TRY(lock_names());
  const Fd temporary = TRY(file::open_at(root_, place::kTemporary, O_RDONLY | O_DIRECTORY));
  const std::vector<std::string> staged = TRY(file::list(temporary));
  for (const std::string& name : staged) TRY(file::remove_tree(temporary, name));
  for (const char* place : {place::kContent, place::kBlobs, place::kLayers}) {
    const Fd directory = TRY(file::open_at(root_, place, O_RDONLY | O_DIRECTORY));
    const std::vector<std::string> names = TRY(file::list(directory));
    for (const std::string& name : names) {
      if (name.ends_with(".tmp")) TRY(file::unlink_at(directory, name));
    }
  }
  return {};
}

bool Store::has_blob(const Digest& digest) const {
  return file::stat_at(root_, place::blob(digest)).ok();
}

Result<Fd> Store::open_blob(const Digest& digest) const {
  return file::open_at(root_, place::blob(digest), O_RDONLY | O_NOFOLLOW);
}

Result<std::string> Store::read_document(const Digest& digest) const {
  const Fd fd = TRY(open_blob(digest));
  Result<std::string> read = file::read_all(fd, oci::image::kMaxDocument);
  if (!read.ok() && read.error().kind() == ErrorKind::exhausted) {
    return fail(ErrorKind::corrupt, "blob ", digest.text(),
                " is damaged: ", read.error().message());
  }
  std::string text = TRY(std::move(read));
  if (Digest::of(text) != digest) {
    return fail(ErrorKind::corrupt, "blob ", digest.text(), " is damaged: its digest is ",
                Digest::of(text).text());
  }
  return text;
}

Result<Descriptor> Store::keep_document(std::string_view text, std::string_view media_type) const {
  const Digest digest = Digest::of(text);
  Descriptor descriptor{std::string(media_type), digest, text.size()};
  const Result<std::string> present = read_document(digest);
  if (present.ok()) return descriptor;
  TRY(file::replace_file(root_, place::blob(digest), text, 0600, file::Durable::content));
  return descriptor;
}

Result<std::optional<LayerRecord>> Store::layer(const Digest& diff_id) const {
  // The record is published last: where it is, the layer and its tarmap are whole.
  const Result<std::string> text = file::read_file_at(root_, place::record(diff_id), kMostRecord);
  if (!text.ok()) {
    const ErrorKind kind = text.error().kind();
    if (kind == ErrorKind::not_found || kind == ErrorKind::exhausted) {
      return std::optional<LayerRecord>();
    }
    return text.error();
  }
  // What somebody damaged or took away is made again, as if there were no layer.
  Result<LayerRecord> record = LayerRecord::parse(text.value());
  const auto file = file::stat_at(root_, place::layer(diff_id));
  const bool is_whole = record.ok() && file.ok() &&
                        std::cmp_equal(file.value().st_size, record.value().file_size) &&
                        file::stat_at(root_, place::tarmap(diff_id)).ok();
  return is_whole ? std::optional(record.take()) : std::nullopt;
}

Result<void> Store::sync_directory(const std::string& path) const {
  const Fd directory = TRY(file::open_at(root_, path, O_RDONLY | O_DIRECTORY));
  return file::sync(directory);
}

Result<file::LockFile> Store::lock_item(const Digest& digest) const {
  return file::LockFile::wait(cat(path_, "/", place::kLocks, "/", digest.hex()));
}

Result<file::LockFile> Store::lock_names() const {
  return file::LockFile::wait(cat(path_, "/", place::kLocks, "/names"));
}

Result<file::LockFile> Store::lock_content() const {
  return file::LockFile::wait_shared(cat(path_, "/", place::kLocks, "/content"));
}

Result<std::optional<file::LockFile>> Store::try_lock_collection() const {
  return file::LockFile::try_take(cat(path_, "/", place::kLocks, "/content"));
}

Staging::Staging(const Store& store, std::string path, file::LockFile content)
    : store_(&store), path_(std::move(path)), content_(std::move(content)) {}

Staging::Staging(Staging&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)),
      path_(std::move(other.path_)),
      content_(std::move(other.content_)) {}

Staging::~Staging() {
  if (store_ == nullptr) return;
  discard(file::remove_tree(store_->root(), path_), "the next opening of the store removes it");
}

Result<Staging> Staging::create(const Store& store) {
  file::LockFile content = TRY(store.lock_content());
  std::string path = cat(place::kTemporary, "/", random_hex(16));
  TRY(file::make_directory(store.root(), path, 0700));
  return Staging(store, std::move(path), std::move(content));
}

Result<Staging::File> Staging::create_file(const std::string& name) const {
  std::string path = cat(path_, "/", name);
  Fd fd = TRY(file::open_at(store_->root(), path, O_RDWR | O_CREAT | O_EXCL, 0600));
  return File{std::move(fd), std::move(path)};
}

}  // namespace proa::image
