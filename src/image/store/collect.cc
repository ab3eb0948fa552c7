#include "image/store/collect.h"

#include <algorithm>
#include <map>
#include <set>
#include <variant>

#include "kernel/file/file.h"
#include "oci/distribution/reference.h"

namespace proa::image {
namespace {

// Paths below the root that an image needs.
using Needed = std::set<std::string>;

// What was reached from roots, and as what: whoever names another image's document by a wrong type
// does not keep its owner from being followed.
struct Reach {
  Needed needed;
  std::set<std::pair<std::string, std::string>> followed;  // digest and media type
};

void add_layer(Needed& needed, const Digest& diff_id) {
  needed.insert(place::layer(diff_id));
  needed.insert(place::tarmap(diff_id));
  needed.insert(place::record(diff_id));
}

// What a manifest names.
Result<void> add_manifest(const Store& store, const oci::image::Manifest& manifest,
                          Needed& needed) {
  for (const Descriptor& layer : manifest.layers) needed.insert(place::blob(layer.digest));
  needed.insert(place::blob(manifest.config.digest));
  const std::string text = TRY(store.read_document(manifest.config.digest));
  const auto config = TRY(oci::image::Config::parse(text));
  for (const Digest& diff_id : config.diff_ids) add_layer(needed, diff_id);
  return {};
}

// What a document needs; those that it names itself come to `open`.
Result<void> add_document(const Store& store, const Descriptor& target, Needed& needed,
                          std::vector<Descriptor>& open) {
  const std::string text = TRY(store.read_document(target.digest));
  const oci::image::Document document =
      TRY(oci::image::parse_document(text, target.media_type), target.digest.text());
  if (const auto* manifest = std::get_if<oci::image::Manifest>(&document)) {
    return add_manifest(store, *manifest, needed);
  }
  const auto& index = std::get<oci::image::Index>(document);
  open.insert(open.end(), index.manifests.begin(), index.manifests.end());
  return {};
}

// Everything below a root: its documents, blobs and layers. What an index names and nobody pulled
// is simply not there; below a damaged document there is nothing that could be used.
Result<void> add_target(const Store& store, const Descriptor& target, Reach& reach) {
  std::vector<Descriptor> open{target};
  while (!open.empty()) {
    const Descriptor at = std::move(open.back());
    open.pop_back();
    reach.needed.insert(place::blob(at.digest));
    const bool is_new = reach.followed.emplace(at.digest.text(), at.media_type).second;
    if (!is_new || !store.has_blob(at.digest)) continue;
    Result<void> added = add_document(store, at, reach.needed, open);
    if (!added.ok() && !is_damage(added.error())) return added;
  }
  return {};
}

// Blobs of layers that can be made again from layer file and tarmap.
Result<void> drop_layer_blobs(const Store& store, const std::vector<Image>& images,
                              Needed& needed) {
  for (const Image& image : images) {
    const auto& layers = image.content.layers;
    for (std::size_t index = 0; index < layers.size(); ++index) {
      if (index >= image.config.diff_ids.size()) break;
      const std::optional<LayerRecord> record = TRY(store.layer(image.config.diff_ids[index]));
      if (record) needed.erase(place::blob(layers[index].digest));
    }
  }
  return {};
}

Result<std::uint64_t> disk_bytes(const Store& store, const std::string& path) {
  const Result<struct stat> status = file::stat_at(store.root(), path);
  if (!status.ok() && status.error().errno_code() == ENOENT) return std::uint64_t{0};
  if (!status.ok()) return status.error();
  return static_cast<std::uint64_t>(status.value().st_blocks) * 512;
}

Result<std::vector<std::string>> list_below(const Store& store, const char* place) {
  const Fd directory = TRY(file::open_at(store.root(), place, O_RDONLY | O_DIRECTORY));
  const std::vector<std::string> names = TRY(file::list(directory));
  std::vector<std::string> paths;
  for (const std::string& name : names) paths.push_back(cat(place, "/", name));
  return paths;
}

Result<Needed> needed_by_all(const Store& store) {
  Reach reach;
  const std::vector<Entry> entries = TRY(read_entries(store));
  for (const Entry& entry : entries) {
    TRY(add_target(store, entry.target, reach), "image '", entry.name, "' (",
        entry.target.digest.text(), ")");
  }
  return std::move(reach.needed);
}

// Removes what nobody needs. The caller holds the collection lock: nobody is adding content.
// A layer's record goes before its files, so that a crash leaves no record without a layer.
Result<std::uint64_t> sweep(const Store& store, const Needed& needed) {
  std::uint64_t freed = 0;
  const auto remove_from = [&](const char* place, std::string_view suffix) -> Result<void> {
    const std::vector<std::string> paths = TRY(list_below(store, place));
    for (const std::string& path : paths) {
      if (needed.contains(path) || !path.ends_with(suffix)) continue;
      freed += TRY(disk_bytes(store, path));
      TRY(file::unlink_at(store.root(), path));
    }
    return {};
  };
  TRY(remove_from(place::kLayers, ".json"));
  TRY(store.sync_directory(place::kLayers));
  TRY(remove_from(place::kLayers, ""));
  TRY(remove_from(place::kBlobs, ""));
  TRY(remove_from(place::kPartial, ""));
  // Locks of single items are taken under the content lock only: nobody holds one now.
  const std::vector<std::string> locks = TRY(list_below(store, place::kLocks));
  for (const std::string& path : locks) {
    if (path.size() > 64) TRY(file::unlink_at(store.root(), path));
  }
  return freed;
}

// A removal's view of what is used, taken once nobody adds or takes anything.
struct Removal {
  // Null: somebody is adding content, and what is no longer needed stays until the next removal.
  std::optional<file::LockFile> alone;
  std::vector<Use> uses;
};

Result<Removal> begin_removal(const Store& store, const Needs& needs) {
  Removal removal{TRY(store.try_lock_collection()), {}};
  removal.uses = TRY(needs.uses());
  return removal;
}

Result<void> collect(const Store& store, const Removal& removal, const Needs& needs, Blobs blobs,
                     Removed& removed) {
  removed.put_off = !removal.alone.has_value();
  if (removed.put_off) return {};
  Needed needed = TRY(needed_by_all(store));
  if (blobs == Blobs::drop) {
    const std::vector<Image> images = TRY(list_images(store));
    TRY(drop_layer_blobs(store, images, needed));
  }
  for (const Use& use : removal.uses) {
    for (const Digest& diff_id : use.layers) add_layer(needed, diff_id);
  }
  for (const Digest& diff_id : TRY(needs.layers())) add_layer(needed, diff_id);
  removed.bytes = TRY(sweep(store, needed));
  return {};
}

const Use* use_of(const std::vector<Use>& uses, const Digest& id) {
  const auto use = std::ranges::find(uses, id, &Use::image);
  return use == uses.end() ? nullptr : &*use;
}

// The name that `text` means, where it is one of the image's own.
std::string name_meant(const Image& image, std::string_view text) {
  const auto reference = oci::distribution::Reference::parse(text);
  if (!reference.ok()) return {};
  const std::string name = reference.value().text();
  return std::ranges::find(image.entries, name) == image.entries.end() ? std::string() : name;
}

// Takes away the name of an image that cannot be read.
Result<Removed> remove_damaged(const Store& store, std::string_view text, const Error& damage) {
  const auto reference = oci::distribution::Reference::parse(text);
  if (!reference.ok()) return damage;
  const std::string name = reference.value().text();
  const std::vector<Entry> entries = TRY(read_entries(store));
  const auto entry = std::ranges::find(entries, name, &Entry::name);
  if (entry == entries.end()) return damage;
  // Whoever has healed it since keeps the name.
  if (read_image(store, entry->target).ok()) return damage;
  TRY(remove_entries(store, {*entry}));
  return Removed{.untagged = {name}, .deleted = {}};
}

// What index.json says of an image.
void add_entries(const Image& image, std::vector<Entry>& entries) {
  for (const std::string& name : image.entries) entries.push_back({name, image.target});
}

// Takes names away; `deleted` is empty where the image has others.
Result<Removed> remove_names(const Store& store, const Removal& removal, std::string_view text,
                             Force force) {
  const Result<Image> found = find_image(store, text);
  if (!found.ok()) {
    return is_damage(found.error()) ? remove_damaged(store, text, found.error()) : found.error();
  }
  const Image& image = found.value();
  const std::string name = name_meant(image, text);
  if (!name.empty() && image.entries.size() > 1) {
    TRY(remove_entries(store, {{name, image.target}}));
    return Removed{.untagged = {name}, .deleted = {}};
  }
  if (const Use* use = use_of(removal.uses, image.id())) {
    return fail(ErrorKind::busy, "image ", image.id().hex().substr(0, 12), " is used by ",
                use->user);
  }
  Removed removed{.untagged = {}, .deleted = {image.id()}};
  std::vector<Entry> seen;
  for (const Image& one : TRY(list_images(store))) {
    // By id: several manifests may have one configuration, and are one image to who says its id.
    if (name.empty() ? one.id() != image.id() : !is_same_image(one.target, image.target)) continue;
    add_entries(one, seen);
    removed.untagged.insert(removed.untagged.end(), one.names.begin(), one.names.end());
  }
  if (name.empty() && removed.untagged.size() > 1 && force == Force::no) {
    return fail(ErrorKind::busy, "image ", image.id().hex().substr(0, 12),
                " has several names; removing them all takes force");
  }
  TRY(remove_entries(store, seen));
  return removed;
}

}  // namespace

Result<Removed> remove_image(const Store& store, std::string_view text, const Needs& needs,
                             Force force) {
  const Removal removal = TRY(begin_removal(store, needs));
  Removed removed = TRY(remove_names(store, removal, text, force));
  TRY(collect(store, removal, needs, Blobs::keep, removed));
  return removed;
}

Result<Removed> prune(const Store& store, Which which, const Needs& needs, Blobs blobs,
                      const std::function<bool(const Image&)>& is_meant) {
  const Removal removal = TRY(begin_removal(store, needs));
  Removed removed;
  std::vector<Entry> seen;
  for (const Image& image : TRY(list_images(store))) {
    const bool named = !image.names.empty() || !image.repository_digests.empty();
    if ((which == Which::unnamed && named) || use_of(removal.uses, image.id()) != nullptr) continue;
    if (is_meant && !is_meant(image)) continue;
    add_entries(image, seen);
    removed.deleted.push_back(image.id());
    removed.untagged.insert(removed.untagged.end(), image.names.begin(), image.names.end());
  }
  for (const Entry& entry : TRY(read_entries(store))) {
    if (!entry.name.empty() || is_meant) continue;
    const Result<Image> image = read_image(store, entry.target);
    if (!image.ok() && is_damage(image.error())) seen.push_back(entry);
  }
  if (!seen.empty()) TRY(remove_entries(store, seen));
  TRY(collect(store, removal, needs, blobs, removed));
  return removed;
}

Result<std::uint64_t> collect_unneeded(const Store& store, const Needs& needs) {
  const Removal removal = TRY(begin_removal(store, needs));
  Removed removed;
  TRY(collect(store, removal, needs, Blobs::keep, removed));
  return removed.bytes;
}

Result<std::set<Digest>> layers_of_images(const Store& store) {
  std::set<Digest> layers;
  for (const Image& image : TRY(list_images(store))) {
    layers.insert(image.config.diff_ids.begin(), image.config.diff_ids.end());
  }
  return layers;
}

Result<std::uint64_t> layer_bytes(const Store& store, const Digest& diff_id) {
  std::uint64_t bytes = 0;
  for (const std::string& path : {place::layer(diff_id), place::tarmap(diff_id)}) {
    bytes += TRY(disk_bytes(store, path));
  }
  return bytes;
}

Result<DiskUsage> disk_usage(const Store& store) {
  DiskUsage usage;
  const std::vector<Image> images = TRY(list_images(store));
  std::vector<Needed> per_image;
  std::map<std::string, int> users;
  for (const Image& image : images) {
    Reach reach;
    TRY(add_target(store, image.target, reach));
    for (const std::string& path : reach.needed) ++users[path];
    per_image.push_back(std::move(reach.needed));
  }
  for (std::size_t index = 0; index < images.size(); ++index) {
    DiskUsage::PerImage counted{images[index].id(), 0, 0};
    for (const std::string& path : per_image[index]) {
      const std::uint64_t bytes = TRY(disk_bytes(store, path));
      counted.bytes += bytes;
      if (users[path] > 1) counted.shared += bytes;
    }
    usage.images.push_back(counted);
  }
  for (const char* place : {place::kBlobs, place::kLayers, place::kPartial}) {
    const std::vector<std::string> paths = TRY(list_below(store, place));
    for (const std::string& path : paths) {
      const std::uint64_t bytes = TRY(disk_bytes(store, path));
      if (place == place::kBlobs) usage.blobs += bytes;
      if (place == place::kLayers) usage.layers += bytes;
      if (!users.contains(path)) usage.reclaimable += bytes;
    }
  }
  return usage;
}

}  // namespace proa::image
