#include "image/store/image.h"

#include <algorithm>
#include <variant>

#include "oci/distribution/reference.h"

namespace proa::image {
namespace {

using oci::distribution::Reference;
using oci::image::Document;
using oci::image::Index;
using oci::image::Manifest;

// Follows indexes down to the manifest for the target's platform.
Result<Descriptor> resolve(const Store& store, const Descriptor& target) {
  const oci::image::Platform wanted = target.platform.value_or(oci::image::Platform::host());
  Descriptor at = target;
  for (int depth = 0; depth <= oci::image::kMaxIndexDepth; ++depth) {
    const auto kind = TRY(oci::image::document_kind(at.media_type));
    if (kind == oci::image::DocumentKind::manifest) return at;
    const std::string text = TRY(store.read_document(at.digest));
    const Index index = TRY(Index::parse(text, at.media_type));
    at = TRY(index.choose(wanted));
  }
  return fail(ErrorKind::exhausted, "indexes are nested deeper than ", oci::image::kMaxIndexDepth);
}

std::string repository_of(const std::string& name) {
  const Result<Reference> reference = Reference::parse(name);
  return reference.ok() ? reference.value().name() : name;
}

// What images are known by in a registry: "node@sha256:...", for names from there.
std::string repository_digest(const Entry& entry) {
  const bool by_digest = entry.name.find('@') != std::string::npos;
  if (!by_digest && entry.origin != Origin::registry) return {};
  return cat(repository_of(entry.name), "@", entry.target.digest.text());
}

void add_entry(Image& image, const Entry& entry) {
  image.entries.push_back(entry.name);
  if (entry.name.empty()) return;
  // A reference by digest is no name that a user gave.
  if (entry.name.find('@') == std::string::npos) image.names.push_back(entry.name);
  std::string digest = repository_digest(entry);
  auto& known = image.repository_digests;
  if (digest.empty() || std::ranges::find(known, digest) != known.end()) return;
  known.push_back(std::move(digest));
}

bool is_id_front(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// By its own name first, where that is the image its digest says; a digest alone fits every
// platform, of which the host's is meant.
const Entry* find_by_name(const std::vector<Entry>& entries, const Reference& reference) {
  const auto named = std::ranges::find(entries, reference.text(), &Entry::name);
  if (named != entries.end() && (!reference.digest || named->target.digest == *reference.digest)) {
    return &*named;
  }
  if (!reference.digest) return nullptr;
  const std::string digest = cat(reference.name(), "@", reference.digest->text());
  const Entry* found = nullptr;
  for (const Entry& entry : entries) {
    if (entry.name.empty() || repository_digest(entry) != digest) continue;
    using oci::image::Platform;
    if (Platform::host().accepts(entry.target.platform.value_or(Platform::host()))) return &entry;
    if (found == nullptr) found = &entry;
  }
  return found;
}

// The image behind an entry, with all its names.
Result<Image> image_of(const Store& store, const std::vector<Entry>& entries, const Entry& wanted) {
  Result<Image> read = read_image(store, wanted.target);
  if (!read.ok() && is_damage(read.error())) {
    const std::string name = wanted.name.empty() ? wanted.target.digest.text() : wanted.name;
    return std::move(read)
        .error()
        .with_kind(ErrorKind::corrupt)
        .with_context(cat("image '", name, "' is damaged"));
  }
  Image image = TRY(std::move(read));
  for (const Entry& entry : entries) {
    if (is_same_image(entry.target, wanted.target)) add_entry(image, entry);
  }
  return image;
}

Result<std::vector<Image>> images_of(const Store& store, const std::vector<Entry>& entries) {
  std::vector<Image> images;
  for (const Entry& entry : entries) {
    const bool is_known = std::ranges::any_of(
        images, [&](const Image& image) { return is_same_image(image.target, entry.target); });
    if (is_known) continue;
    Result<Image> image = image_of(store, entries, entry);
    if (!image.ok() && image.error().kind() == ErrorKind::corrupt) continue;
    images.push_back(TRY(std::move(image)));
  }
  return images;
}

}  // namespace

Result<Image> read_image(const Store& store, const Descriptor& target) {
  const Descriptor manifest = TRY(resolve(store, target), "image ", target.digest.text());
  const std::string text = TRY(store.read_document(manifest.digest));
  Manifest content = TRY(Manifest::parse(text, manifest.media_type));
  const std::string config_text =
      TRY(store.read_document(content.config.digest), "the image's configuration");
  oci::image::Config config = TRY(oci::image::Config::parse(config_text));
  Image image{target, manifest, std::move(content), std::move(config), {}, {}, {}};
  for (const Digest& diff_id : image.config.diff_ids) {
    const std::optional<LayerRecord> record = TRY(store.layer(diff_id));
    if (record) image.size += record->tar_size;
  }
  return image;
}

bool is_damage(const Error& error) {
  return error.kind() == ErrorKind::corrupt || error.kind() == ErrorKind::not_found ||
         error.kind() == ErrorKind::invalid_argument || error.kind() == ErrorKind::unsupported;
}

Result<std::vector<Image>> list_images(const Store& store) {
  const std::vector<Entry> entries = TRY(read_entries(store));
  return images_of(store, entries);
}

Result<Image> tag_image(const Store& store, std::string_view text, std::string name) {
  // Nothing of the image is collected before the name keeps it.
  const file::LockFile content = TRY(store.lock_content());
  Image image = TRY(find_image(store, text));
  TRY(set_name(store, {std::move(name), image.target, Origin::local}));
  return image;
}

Result<Image> find_image(const Store& store, std::string_view text) {
  const std::vector<Entry> entries = TRY(read_entries(store));
  const Result<Reference> reference = Reference::parse(text);
  if (reference.ok()) {
    const Entry* entry = find_by_name(entries, reference.value());
    if (entry != nullptr) return image_of(store, entries, *entry);
  }
  std::string_view front = text;
  if (front.starts_with("sha256:")) front.remove_prefix(7);
  const Image* found = nullptr;
  const std::vector<Image> images = TRY(images_of(store, entries));
  if (is_id_front(front)) {
    for (const Image& image : images) {
      if (!image.id().hex().starts_with(front) && !image.target.digest.hex().starts_with(front)) {
        continue;
      }
      if (found != nullptr && found->id() != image.id()) {
        return fail(ErrorKind::invalid_argument, "several images have an id that starts with '",
                    front, "'");
      }
      found = &image;
    }
  }
  if (found != nullptr) return *found;
  return fail(ErrorKind::not_found, "there is no image '", printable(text), "'");
}

std::vector<std::string> layer_paths(const Store& store, const Image& image) {
  std::vector<std::string> paths;
  for (const Digest& diff_id : image.config.diff_ids) {
    paths.push_back(cat(store.path(), "/", place::layer(diff_id)));
  }
  return paths;
}

Result<Digest> layer_at(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return Digest::parse(cat("sha256:", name.substr(0, name.find('.'))));
}

}  // namespace proa::image
