#include "image/store/verify.h"

#include "image/store/image.h"
#include "image/store/restore.h"
#include "kernel/file/file.h"

namespace proa::image {
namespace {

Result<std::vector<std::string>> names_in(const Store& store, const char* place) {
  const Fd directory = TRY(file::open_at(store.root(), place, O_RDONLY | O_DIRECTORY));
  return file::list(directory);
}

Result<void> verify_blob(const Store& store, const std::string& name) {
  const Digest digest = TRY(Digest::parse(cat("sha256:", name)));
  Fd file = TRY(store.open_blob(digest));
  const Sum actual = TRY(sum_up(*file_source(std::move(file), 0)));
  if (actual.digest == digest) return {};
  return fail(ErrorKind::corrupt, "its digest is ", actual.digest.text());
}

Result<void> verify_layer_files(const Store& store, const Settings& settings,
                                const std::string& hex) {
  const Digest diff_id = TRY(Digest::parse(cat("sha256:", hex)));
  TRY(check_layer(store, settings, diff_id));
  const std::unique_ptr<ByteSource> tar =
      TRY(restore_layer(store, settings, diff_id, LayerForm::tar));
  const Sum actual = TRY(sum_up(*tar));
  if (actual.digest == diff_id) return {};
  return fail(ErrorKind::corrupt, "its tar's digest is ", actual.digest.text());
}

// What images need beyond the files that are there.
Result<void> find_missing(const Store& store, std::vector<Damage>& damages) {
  const std::vector<Entry> entries = TRY(read_entries(store));
  for (const Entry& entry : entries) {
    const Result<Image> image = read_image(store, entry.target);
    if (!image.ok()) {
      damages.push_back({place::blob(entry.target.digest),
                         cat("image '", entry.name, "': ", image.error().message())});
      continue;
    }
    for (const Digest& diff_id : image.value().config.diff_ids) {
      const std::optional<LayerRecord> record = TRY(store.layer(diff_id));
      if (!record) damages.push_back({place::layer(diff_id), "is missing"});
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Damage>> verify(const Store& store, const Settings& settings) {
  const file::LockFile content = TRY(store.lock_content());
  std::vector<Damage> damages;
  const std::vector<std::string> blobs = TRY(names_in(store, place::kBlobs));
  for (const std::string& name : blobs) {
    if (name.ends_with(".tmp")) continue;  // somebody is writing it
    const Result<void> sound = verify_blob(store, name);
    if (!sound.ok()) {
      damages.push_back({cat(place::kBlobs, "/", name), sound.error().message()});
    }
  }
  const std::vector<std::string> layers = TRY(names_in(store, place::kLayers));
  for (const std::string& name : layers) {
    if (!name.ends_with(".json")) continue;
    const std::string hex = name.substr(0, name.size() - 5);
    const Result<void> sound = verify_layer_files(store, settings, hex);
    if (!sound.ok()) {
      damages.push_back({cat(place::kLayers, "/", hex, ".erofs"), sound.error().message()});
    }
  }
  TRY(find_missing(store, damages));
  return damages;
}

}  // namespace proa::image
