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

void add_entry(Image& image, const Entry& entry) {
  if (entry.name.empty()) return;
  // A reference by digest is no name that a user gave.
  const bool by_digest = entry.name.find('@') != std::string::npos;
  if (!by_digest) image.names.push_back(entry.name);
  if (by_digest || entry.origin == Origin::registry) {
    std::string digest = cat(repository_of(entry.name), "@", entry.target.digest.text());
    if (std::ranges::find(image.repository_digests, digest) == image.repository_digests.end()) {
      image.repository_digests.push_back(std::move(digest));
    }
  }
}

bool is_id_front(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

const Image* find_by_name(const std::vector<Image>& images, const Reference& reference) {
  const std::string by_digest =
      reference.digest ? cat(reference.name(), "@", reference.digest->text()) : std::string();
  for (const Image& image : images) {
    const auto& names = reference.digest ? image.repository_digests : image.names;
    const std::string& wanted = reference.digest ? by_digest : reference.text();
    if (std::ranges::find(names, wanted) != names.end()) return &image;
  }
  return nullptr;
}

}  // namespace

Result<Image> read_image(const Store& store, const Descriptor& target) {
  const Descriptor manifest = TRY(resolve(store, target), "image ", target.digest.text());
  const std::string text = TRY(store.read_document(manifest.digest));
  Manifest content = TRY(Manifest::parse(text, manifest.media_type));
  const std::string config_text =
      TRY(store.read_document(content.config.digest), "the image's configuration");
  oci::image::Config config = TRY(oci::image::Config::parse(config_text));
  Image image{target, manifest, std::move(content), std::move(config), {}, {}};
  for (const Digest& diff_id : image.config.diff_ids) {
    const std::optional<LayerRecord> record = TRY(store.layer(diff_id));
    if (record) image.size += record->tar_size;
  }
  return image;
}

Result<std::vector<Image>> list_images(const Store& store) {
  const std::vector<Entry> entries = TRY(read_entries(store));
  std::vector<Image> images;
  for (const Entry& entry : entries) {
    auto known = std::ranges::find_if(
        images, [&](const Image& image) { return image.target.digest == entry.target.digest; });
    if (known == images.end()) {
      Image image = TRY(read_image(store, entry.target), entry.name);
      images.push_back(std::move(image));
      known = std::prev(images.end());
    }
    add_entry(*known, entry);
  }
  return images;
}

Result<Image> find_image(const Store& store, std::string_view text) {
  const std::vector<Image> images = TRY(list_images(store));
  const Result<Reference> reference = Reference::parse(text);
  if (reference.ok()) {
    if (const Image* image = find_by_name(images, reference.value())) return *image;
  }
  std::string_view front = text;
  if (front.starts_with("sha256:")) front.remove_prefix(7);
  const Image* found = nullptr;
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

}  // namespace proa::image
